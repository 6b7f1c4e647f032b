# Everything that is done in this repository, as targets. `make` alone lists them.

PYTHON ?= python3
WORKERS ?= auto
LOCK_UV ?= uv

PY := .venv/bin/python
MAKE_ENV := $(PYTHON) scripts/make_env.py
PARALLEL := -n $(WORKERS) --dist worksteal

.DEFAULT_GOAL := targets
.PHONY: targets dev envs demo test t lint check soak bench lock clean
.PHONY: lint-format lint-ruff lint-types-linux lint-types-darwin lint-floors

targets:  # with nothing to do, say what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## the environment .venv: the product (editable) and the developers' tools
	@$(MAKE_ENV) dev

envs: # .venv, and environments of their own for the AWS CLI and for the local AWS
	@$(MAKE_ENV) dev aws moto

demo: envs ## the main job, shown on a local AWS in a throw-away home
	@$(PY) scripts/demo.py

test: envs ## all tests but the long ones, in parallel
	@$(PY) -m pytest $(PARALLEL)

t: envs ## the fast loop: make t K=name runs what matches, up to the first failure
	@$(PY) -m pytest -x -q $(if $(K),-k '$(K)')

lint: dev ## format, ruff, types for linux and for darwin, import floors
	@$(MAKE) --no-print-directory -k -j2 lint-format lint-ruff lint-types-linux lint-types-darwin lint-floors

lint-format:
	@.venv/bin/ruff format --quiet --diff .

lint-ruff:
	@.venv/bin/ruff check --quiet .

lint-types-linux lint-types-darwin: lint-types-%:
	@$(PY) -m mypy --no-error-summary --platform $* --cache-dir .cache/mypy-$*

lint-floors:
	@$(PY) scripts/check_floors.py

check: lint test ## lint and test: what a change has to pass

soak: envs ## the long tests: kills, floods, long properties
	@$(PY) -m pytest $(PARALLEL) -m soak

bench: envs ## measure the budgets against the peers that are installed
	@$(PY) scripts/bench.py

lock: ## resolve the dependencies anew and write locks/ (needs uv)
	@UV="$(LOCK_UV)" scripts/lock

clean: ## remove the environments and everything else that make made
	rm -rf .venv .tools .cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
