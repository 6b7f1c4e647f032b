"""What Keyturn costs, as ratios measured in one run, beside the budgets.

    make bench                  as a table
    make bench BENCH=--json     as JSON; also --rounds N, and --strict: status 1 if a budget is missed

All variants take turns, so that a machine that is busy for a while is busy for each of them. The wrapped
command is a copy of `true` that is called `aws`; its credentials come from an account in a throw-away home.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from keyturn.ground import wire
from keyturn.ground.paths import Directories, resolve
from keyturn.ground.secret import Secret
from keyturn.shells.launcher import Interpreter, command
from keyturn.vaults.age import derive
from keyturn.vaults.age.opening import Opening
from scripts.budgets import REST_SECONDS, Report, as_json, as_table, budgets
from scripts.many_items import fill
from tests.programs.user import BIN, User

PASSWORD = "open sesame EXAMPLE"
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIK7MDENGbPxRfiCYzzEXAMPLEKEY"
CALL = ["sts", "get-caller-identity"]
UNLOCKS, QUESTIONS, PARALLEL = 5, 500, 64
MANY, PROFILES = 10_000, 500
SETTLE_SECONDS = 2.0


class Bench:
    """One set-up home, and the measurements on it."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.directories: Directories = resolve(user.environment, os.getuid())
        self.interpreter = Interpreter(bare=Interpreter.current().bare, own=str(BIN / "python"))
        probes = user.home / "probes"
        probes.mkdir()
        self.probe = probes / "aws"
        shutil.copy(shutil.which("true") or "/bin/true", self.probe)
        user.path.insert(0, str(probes))
        self.environment = user.environment

    def set_up(self) -> None:
        user = self.user
        user.keyturn(
            "settings", "set", "executables.trusted_directories", f'["{self.probe.parent}"]'
        ).succeeds()
        keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
        init = ["plugin", "init", "aws", "--import-env", "--no-input", "--password-file"]
        user.keyturn(*init, user.password_file(PASSWORD), variables=keys).succeeds()
        self.sign_in()

    def sign_in(self) -> None:
        """Without a terminal: this process and what it starts may use the account."""
        self.user.keyturn("signin", "--password-file", self.user.password_file(PASSWORD)).succeeds()

    @property
    def wrapped(self) -> list[str]:
        return [*command(self.directories, self.interpreter), "aws", *CALL]

    def run(self, words: list[str]) -> float:
        """Seconds from start to end. Raises RuntimeError if the command fails."""
        null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
        start = time.perf_counter()
        pid = os.posix_spawn(words[0], words, self.environment, file_actions=null)
        _, status = os.waitpid(pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise RuntimeError(f"status {os.waitstatus_to_exitcode(status)}: {' '.join(words)}")
        return seconds

    def starts(self, rounds: int) -> dict[str, float]:
        """Median seconds of each command, all of them in turn."""
        variants = {
            "bare true": [str(self.probe), *CALL],
            "interpreter -IS -c pass": [self.interpreter.bare, "-IS", "-c", "pass"],
            "true through the launcher": self.wrapped,
            "interpreter -c pass": [self.interpreter.own, "-c", "pass"],
            "keyturn --help": [str(BIN / "keyturn"), "--help"],
        }
        for words in variants.values():
            self.run(words)
        return in_turn({name: partial(self.run, words) for name, words in variants.items()}, rounds)

    def ask(self) -> float:
        """Seconds from the connection to the agent's answer, as the launcher asks it."""
        variables = [f"{name}={value}".encode() for name, value in self.environment.items()]
        question = wire.RunRequest(
            b"aws", os.fsencode(self.probe), [os.fsencode(word) for word in CALL], variables
        )
        frame = wire.frame(question.encode())
        start = time.perf_counter()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.connect(str(self.directories.socket))
            stream.sendall(frame)
            with stream.makefile("rb") as answers:
                answer = answers.read(wire.frame_length(answers.read(wire.LENGTH_BYTES)))
        seconds = time.perf_counter() - start
        if answer[:1] != wire.GO:
            raise RuntimeError("the agent did not let the probe run")
        return seconds

    def parallel(self) -> tuple[float, float]:
        """Seconds for many wrapped commands at once, and for as many interpreters."""

        def all_at_once(words: list[str]) -> float:
            start = time.perf_counter()
            running = [
                subprocess.Popen(words, env=self.environment, stdin=subprocess.DEVNULL)
                for _ in range(PARALLEL)
            ]
            failed = [process for process in running if process.wait() != 0]
            if failed:
                raise RuntimeError(f"{len(failed)} of {PARALLEL} parallel commands failed")
            return time.perf_counter() - start

        return all_at_once(self.wrapped), all_at_once([self.interpreter.bare, "-IS", "-c", "pass"])

    def unlocks(self) -> dict[str, float]:
        """Seconds of `keyturn signin` on a locked account, and of the derivation in it alone.

        The fastest of each: a derivation takes so long that neighbours add to it in bursts.
        """
        account = next(each.parent for each in self.user.data.glob("accounts/*/account.age"))
        task = Opening.with_password(account, Secret(PASSWORD)).next_task()
        assert task is not None

        def derivation() -> float:
            start = time.perf_counter()
            if not isinstance(derive.perform(task), derive.Unwrapped):
                raise RuntimeError("the derivation did not open the slot")
            return time.perf_counter() - start

        def unlock() -> float:
            self.user.keyturn("lock").succeeds()
            start = time.perf_counter()
            self.sign_in()
            return time.perf_counter() - start

        return in_turn({"key derivation": derivation, "unlock": unlock}, UNLOCKS, min)

    def agent(self) -> list[int]:
        """The pids of supervisor and keeper."""
        status = json.loads(self.user.keyturn("status", "--format", "json").succeeds().output)["status"]
        keeper = int(status["pid"])
        parent = subprocess.run(
            ["ps", "-o", "ppid=", "-p", str(keeper)], capture_output=True, check=True
        ).stdout
        return [int(parent), keeper]


def in_turn(
    variants: dict[str, Callable[[], float]],
    rounds: int,
    summary: Callable[[list[float]], float] = statistics.median,
) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, measure in variants.items():
            taken[name].append(measure())
    return {name: summary(each) for name, each in taken.items()}


def resident(pids: list[int]) -> float:
    """MB that the processes occupy, shared pages counted for each."""
    listed = subprocess.run(
        ["ps", "-o", "rss=", "-p", ",".join(map(str, pids))], capture_output=True, check=True
    ).stdout
    return sum(map(int, listed.split())) / 1024


def proportional(pids: list[int]) -> float | None:
    """MB with shared pages counted once. None where the system does not tell."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            return None
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def processor_seconds(pid: int) -> float | None:
    """What a process's threads have used so far (Linux). Unlike time on the wall, no neighbour adds to it."""
    try:
        texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    except OSError:
        return None
    return sum(int(text.split()[0]) for text in texts) / 1e9 if texts else None


def wake_ups(pids: list[int]) -> int | None:
    """How often the processes' threads have waited for something and were woken, so far (Linux)."""
    try:
        texts = [path.read_text() for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/status")]
    except OSError:
        return None
    lines = [
        line for text in texts for line in text.splitlines() if line.startswith("voluntary_ctxt_switches")
    ]
    return sum(int(line.split()[1]) for line in lines) if lines else None


def answers(bench: Bench) -> dict[str, float]:
    """How long the agent takes for one question, on the wall and of the processor."""
    keeper = bench.agent()[1]
    before = processor_seconds(keeper)
    taken = sorted(bench.ask() for _ in range(QUESTIONS))
    after = processor_seconds(keeper)
    figures = {"agent's answer, ms": statistics.median(taken) * 1000}
    figures["agent's answer, 99 of 100, ms"] = taken[len(taken) * 99 // 100] * 1000
    if before is not None and after is not None:
        figures["agent's processor time for it, ms"] = (after - before) / QUESTIONS * 1000
    return figures


def with_many_items(bench: Bench, rounds: int) -> dict[str, float]:
    """The same questions once the vault holds ten thousand items more."""
    user = bench.user
    user.keyturn("agent", "stop").succeeds()
    account = next(each.parent for each in user.data.glob("accounts/*/account.age"))
    fill(account, user.state, PASSWORD, MANY)
    bench.sign_in()
    figures = {f"{name} ({MANY} items)": value for name, value in answers(bench).items()}
    seconds = in_turn({"wrapped": partial(bench.run, bench.wrapped)}, rounds)["wrapped"]
    figures[f"true through the launcher, ms ({MANY} items)"] = seconds * 1000
    figures[f"item list, ms ({MANY} items)"] = min(timed(bench) for _ in range(3)) * 1000
    shared = proportional(bench.agent())
    if shared is not None:
        figures[f"agent, proportional, MB ({MANY} items)"] = shared
    return figures


def with_many_profiles(bench: Bench) -> dict[str, float]:
    """The same question with a large AWS configuration, which is to be parsed once."""
    directory = bench.user.home / ".aws"
    directory.mkdir()
    sections = (f"[profile p{number}]\nregion = eu-central-1\noutput = json\n" for number in range(PROFILES))
    (directory / "config").write_text("[default]\nregion = eu-central-1\n" + "".join(sections))
    return {f"{name} ({PROFILES} profiles)": value for name, value in answers(bench).items()}


def timed(bench: Bench) -> float:
    start = time.perf_counter()
    bench.user.keyturn("item", "list", "--format", "json", "Service 77").succeeds()
    return time.perf_counter() - start


def measure(rounds: int) -> Report:
    with User() as user:
        bench = Bench(user)
        bench.set_up()
        figures = {f"{name}, ms": seconds * 1000 for name, seconds in bench.starts(rounds).items()}
        figures |= answers(bench)
        together, alone = bench.parallel()
        figures[f"{PARALLEL} wrapped at once, ms"] = together * 1000
        figures[f"{PARALLEL} interpreters at once, ms"] = alone * 1000
        figures |= {f"{name}, ms": seconds * 1000 for name, seconds in bench.unlocks().items()}
        bench.run(bench.wrapped)
        pids = bench.agent()
        time.sleep(SETTLE_SECONDS)
        before = wake_ups(pids)
        time.sleep(REST_SECONDS)
        after = wake_ups(pids)
        figures["agent, resident, MB"] = resident(pids)
        shared = proportional(pids)
        if shared is not None:
            figures["agent, proportional, MB"] = shared
        if before is not None and after is not None:
            figures[f"agent's wake-ups in {REST_SECONDS:.0f} s"] = after - before
        figures |= with_many_profiles(bench)
        figures |= with_many_items(bench, rounds)
    return Report(budgets(figures), figures, notes())


def notes() -> list[str]:
    peers = ("aws-vault", "fnox", "op", "granted")
    absent = [peer for peer in peers if shutil.which(peer) is None]
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return [
        f"on {machine}, Python {platform.python_version()}; the agent holds one account with one item",
        "not measured yet: many directory defaults, which do not exist yet",
        f"peers are not measured yet; not installed here: {', '.join(absent) or 'none'}",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=40, help="how often each command is run (default: 40)")
    parser.add_argument("--strict", action="store_true", help="status 1 if a budget is missed")
    options = parser.parse_args()
    report = measure(options.rounds)
    print(as_json(report) if options.json else as_table(report))
    return 1 if options.strict and not all(each.is_kept for each in report.budgets) else 0


if __name__ == "__main__":
    sys.exit(main())
