# Everything that is done in this repository, as targets. `make` alone lists them.

PYTHON ?= python3
WORKERS ?= auto
LOCK_UV ?= uv

PY := .venv/bin/python
MAKE_ENV := $(PYTHON) scripts/make_env.py
PARALLEL := -n $(WORKERS) --dist worksteal

.DEFAULT_GOAL := targets
.PHONY: targets dev envs tools demo try test t lint check soak verify-tools fuzz mutate bench picture catalogue reference lock clean
.PHONY: lint-format lint-ruff lint-types-linux lint-types-darwin lint-floors

targets:  # with nothing to do, say what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## the environment .venv: the product (editable) and the developers' tools
	@$(MAKE_ENV) dev

envs: # .venv, and environments of their own for the AWS CLI and for the local AWS
	@$(MAKE_ENV) dev aws moto

tools: # those, and the AWS tools that only tests use: the demo does not wait for them
	@$(MAKE_ENV) dev aws moto --optional sam awslogs cdk nu go clis

demo: envs ## the main job, on a local AWS in a throw-away home; BACKEND=keepassxc for another program's vault
	@$(PY) -m scripts.demo $(BACKEND)

try: envs ## a shell in such a home, to try it yourself (docs/tutorial/first-key.md)
	@$(PY) -m scripts.playground

test: tools ## all tests but the long ones, in parallel
	@$(PY) -m pytest $(PARALLEL)

t: envs ## the fast loop: make t K=name runs what matches, up to the first failure
	@$(PY) -m pytest -x -q $(if $(K),-k '$(K)')

lint: envs ## format, ruff, types for linux and for darwin, import floors
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

soak: tools ## the long tests: kills, floods, long properties; then each fuzzer for FUZZ_SECONDS (20)
	@$(PY) -m pytest $(PARALLEL) -m soak
	@$(MAKE) --no-print-directory fuzz SECONDS=$(or $(FUZZ_SECONDS),20)

verify-tools: envs ## install real tools, run each by Keyturn (TOOLS="hf twine" for some; RECORD=1 keeps the results)
	@$(PY) -m tests.verify_tools $(if $(RECORD),--record tests/verify_tools/results.json) $(TOOLS)

fuzz: ## fuzz every parser for SECONDS (30) each; TARGETS="vault wire" for some
	@$(MAKE_ENV) fuzz
	@.tools/fuzz/bin/python -m tests.fuzz.run $(or $(SECONDS),30) $(TARGETS)

mutate: envs ## remove one guard after the other; what no test notices is listed (MODULES="ground/wire" for some)
	@$(PY) -m scripts.mutate $(MODULES)

bench: envs ## measure what it costs, beside the budgets; BENCH=--json prints JSON
	@$(PY) -m scripts.bench $(BENCH)

picture: envs ## draw docs/picture.svg anew, from a real run
	@$(PY) -m scripts.picture

catalogue: dev ## index and compile the plugins' files, when one was changed
	@$(PY) -m scripts.compile_catalogue

reference: dev ## write the generated pages of docs/reference anew
	@$(PY) -m scripts.reference

lock: ## resolve the dependencies anew and write locks/ (needs uv)
	@UV="$(LOCK_UV)" scripts/lock

clean: ## remove the environments and everything else that make made
	rm -rf .venv .tools .cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
