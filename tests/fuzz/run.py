"""Coverage-guided fuzzing with atheris: `python -m tests.fuzz.run SECONDS [TARGET…]`, by `make fuzz`.

One process a target, two at a time. What it learns is kept in .cache/fuzz/TARGET, what breaks a target is
written there as `crash-…`; to be copied to tests/fuzz/crashes/TARGET, where the tests repeat it.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
AT_ONCE = 2
LONGEST = 16 * 1024


def fuzz(target: str, seconds: int) -> None:
    """Be the fuzzer of one target; never returns."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]  # in .tools/fuzz

    with atheris.instrument_imports(include=["keyturn"]):
        from tests.fuzz.targets import TARGETS
    function = TARGETS[target]
    corpus = _prepare(target)
    options = [
        *(f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=2048"),
        *(f"-artifact_prefix={corpus.parent}/", "-print_final_stats=1", "-verbosity=1"),
    ]
    atheris.Setup([target, *options, str(corpus)], function)
    atheris.Fuzz()


def _prepare(target: str) -> Path:
    from tests.fuzz import seeds

    corpus = ROOT / ".cache/fuzz" / target / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds.of(target)):
        (corpus / f"seed-{number}").write_bytes(content)
    return corpus


def _run(target: str, seconds: int) -> tuple[str, int, str]:
    command = [sys.executable, "-m", "tests.fuzz.run", "--one", target, str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return target, done.returncode, done.stderr + done.stdout


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--one"]:
        fuzz(arguments[1], int(arguments[2]))
        return 0
    from tests.fuzz.targets import TARGETS

    seconds, chosen = int(arguments[0]), arguments[1:] or list(TARGETS)
    unknown = [target for target in chosen if target not in TARGETS]
    if unknown:
        print(f"keyturn: no target is called {unknown[0]}; there are: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    failed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for target, status, output in pool.map(lambda each: _run(each, seconds), chosen):
            runs = _figure(output, "stat::number_of_executed_units:")
            coverage = output.rpartition(" cov: ")[2].split(" ")[0]
            print(f"{target:10} {runs or '?':>10} runs, coverage {coverage or '?'}", flush=True)
            # A fuzzer that did not run has found nothing; that is no success.
            if status != 0 or not runs or int(runs) < 100:
                failed += 1
                print(output[-6000:], file=sys.stderr)
    return 1 if failed else 0


def _figure(output: str, name: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith(name)]
    return lines[-1].split()[-1] if lines else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
