"""What Keyturn costs, as ratios measured in one run, beside the budgets.

    make bench                  as a table
    make bench BENCH=--json     as JSON; also --rounds N, and --strict: status 1 if a budget is missed

All variants take turns, so that a machine that is busy for a while is busy for each of them: commands with
commands, and questions to an agent with questions to agents that know more. The wrapped command is a copy of
`true` that is called `aws`; its credentials come from an account in a throw-away home. Only for a role it is
the real one, on a local AWS. Peers are measured where they are installed.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

from keyturn.catalogue import loader
from keyturn.ground import prompt
from scripts.bench_home import Home
from scripts.bench_roles import variants as in_a_role
from scripts.bench_vaults import variants as in_other_vaults
from scripts.budgets import (
    CALLS,
    ITEM_CALLS,
    ITEMS,
    MANY_DEFAULTS,
    PARALLEL,
    PROFILES,
    REST_SECONDS,
    SHORT,
    Report,
    as_json,
    as_table,
    budgets,
)
from scripts.peers import Peer, installed
from scripts.usage import processor_seconds, proportional, resident, wake_ups
from tests.programs.user import BIN, User

UNLOCKS, QUESTIONS, WARM_UP, ITEM_ROUNDS, ROLES, LOADS = 5, 500, 20, 10, 15, 10
SETTLE_SECONDS = 2.0
TRIES, ORDINARY_SECONDS = 8, 0.6
PLAIN = ""


def in_turn(variants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each variant measured, sorted; in every round each has one turn."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, measure in variants.items():
            taken[name].append(measure())
    return {name: sorted(each) for name, each in taken.items()}


def medians(taken: dict[str, list[float]]) -> dict[str, float]:
    """In milliseconds."""
    return {f"{name}, ms": statistics.median(each) * 1000 for name, each in taken.items()}


def starts(home: Home, large: Home, peers: list[Peer], rounds: int) -> dict[str, float]:
    """How long whole commands take."""
    own = home.interpreter
    variants = {
        "bare true": partial(home.run, [str(home.probe)]),
        "interpreter -IS -c pass": partial(home.run, [own.bare, "-IS", "-c", "pass"]),
        "true through the launcher": partial(home.run, home.wrapped),
        f"true through the launcher ({ITEMS})": partial(large.run, large.wrapped),
        "true through its shim": partial(home.run, home.shimmed),
        "a prompt's segment": partial(home.run, home.segment),
        SHORT: partial(home.run, [str(BIN / "keyturn"), *prompt.WORDS]),
        "interpreter -c pass": partial(home.run, [own.own, "-c", "pass"]),
        **{f"keyturn {words}": partial(home.run, [str(BIN / "keyturn"), *words.split()]) for words in CALLS},
        **{
            f"true through {peer.name}": partial(home.run, peer.words(home), peer.variables) for peer in peers
        },
    }
    in_turn(variants, 1)
    taken = medians(in_turn(variants, rounds))
    # What comes with a command is what counts to a person; the command itself costs the same for each.
    added = {
        f"{name.removeprefix('true through ')} adds, ms": taken[f"{name}, ms"] - taken["bare true, ms"]
        for name in variants
        if name.startswith("true through ")
    }
    return taken | added


def answers(homes: dict[str, Home]) -> dict[str, float]:
    """How long the agents take for one question, on the wall and of the processor."""
    keepers = {size: home.agent()[1] for size, home in homes.items()}
    questions = {size: home.ask for size, home in homes.items()}
    in_turn(questions, WARM_UP)
    before = {size: processor_seconds(pid) for size, pid in keepers.items()}
    taken = in_turn(questions, QUESTIONS)
    after = {size: processor_seconds(pid) for size, pid in keepers.items()}
    figures: dict[str, float] = {}
    for size, seconds in taken.items():
        suffix = f" ({size})" if size else ""
        figures[f"agent's answer, ms{suffix}"] = statistics.median(seconds) * 1000
        figures[f"agent's answer, 99 of 100, ms{suffix}"] = seconds[len(seconds) * 99 // 100] * 1000
        start, end = before[size], after[size]
        if start is not None and end is not None:
            figures[f"agent's processor time for it, ms{suffix}"] = (end - start) / QUESTIONS * 1000
    return figures


def unlocks(home: Home, rounds: int) -> dict[str, float]:
    """The fastest of each: a derivation takes so long that neighbours add to it in bursts."""
    taken = in_turn({"key derivation": home.derivation(), "unlock": home.unlock}, rounds)
    derivation, unlock = taken["key derivation"][0] * 1000, taken["unlock"][0] * 1000
    return {
        "key derivation, ms": derivation,
        "unlock, ms": unlock,
        "unlock beside its derivation, ms": unlock - derivation,
    }


def catalogue(rounds: int) -> dict[str, float]:
    """Every plugin file, read and checked, in this process; the fastest: a busy machine only adds."""
    seconds = []
    for _ in range(rounds):
        loader.forget()
        start = time.perf_counter()
        found = [loader.load(name) for name in loader.names()]
        seconds.append(time.perf_counter() - start)
        if not found:
            raise RuntimeError("there is no plugin")
    return {"whole catalogue, ms": min(seconds) * 1000}


def roles(rounds: int) -> dict[str, float]:
    """The fastest of each: the two differ by less than a busy machine adds."""
    with ExitStack() as stack:
        taken = in_turn(in_a_role(stack), rounds)
    return {f"{name}, ms": seconds[0] * 1000 for name, seconds in taken.items()}


def other_vaults(rounds: int) -> dict[str, float]:
    with ExitStack() as stack:
        return medians(in_turn(in_other_vaults(stack), rounds))


def at_once(home: Home) -> dict[str, float]:
    bare = [home.interpreter.bare, "-IS", "-c", "pass"]
    return {
        f"{PARALLEL} wrapped at once, ms": home.at_once(home.wrapped, PARALLEL) * 1000,
        f"{PARALLEL} interpreters at once, ms": home.at_once(bare, PARALLEL) * 1000,
    }


def at_rest(home: Home) -> dict[str, float]:
    pids = home.agent()
    time.sleep(SETTLE_SECONDS)
    before = wake_ups(pids)
    time.sleep(REST_SECONDS)
    after = wake_ups(pids)
    figures = {"agent, resident, MB": resident(pids)} | shared(home, PLAIN)
    if before is not None and after is not None:
        figures[f"agent's wake-ups in {REST_SECONDS:.0f} s"] = after - before
    return figures


def shared(home: Home, size: str) -> dict[str, float]:
    found = proportional(home.agent())
    return {} if found is None else {f"agent, proportional, MB{f' ({size})' if size else ''}": found}


def ordinary(stack: ExitStack) -> Home:
    """A home whose password takes as long to derive as on an idle machine.

    age chooses the work by one quick measurement: made at a busy moment, a password opens in a fraction of a
    second for ever, and everything beside its derivation looks large.
    """
    for _ in range(TRIES):
        home = Home(stack.enter_context(User()))
        home.set_up()
        if home.derivation()() > ORDINARY_SECONDS:
            return home
    raise RuntimeError("the machine is too busy: every password that was made is too quick to derive")


def items(plain: Home, large: Home, rounds: int) -> dict[str, float]:
    """Commands about items, beside the same ones in a vault of many."""
    for home in (plain, large):
        home.add_item()
    variants = {
        f"keyturn {words}{suffix}": partial(home.item, *words.split()[1:])
        for suffix, home in (("", plain), (f" ({ITEMS})", large))
        for words in ITEM_CALLS
    }
    in_turn(variants, 1)
    return medians(in_turn(variants, rounds))


def measure(rounds: int) -> Report:
    with ExitStack() as stack:
        homes = {PLAIN: ordinary(stack)}
        for size in (PROFILES, ITEMS, MANY_DEFAULTS):
            homes[size] = Home(stack.enter_context(User()))
            homes[size].set_up(quickly=True)
        for size, home in homes.items():
            home.add_profiles(500 if size == PROFILES else 1)
        plain, large = homes[PLAIN], homes[ITEMS]
        large.add_items(10_000)
        homes[MANY_DEFAULTS].add_defaults(1000)
        peers, notes = installed(plain)
        figures = starts(plain, large, peers, rounds)
        figures |= answers(homes)
        figures |= catalogue(min(LOADS, rounds))
        figures |= at_once(plain)
        figures |= unlocks(plain, min(UNLOCKS, rounds))
        plain.run(plain.wrapped)
        figures |= at_rest(plain)
        figures |= items(plain, large, min(ITEM_ROUNDS, rounds))
        figures |= shared(large, ITEMS)
    figures |= roles(min(ROLES, rounds))
    figures |= other_vaults(rounds)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return Report(
        budgets(figures),
        figures,
        [f"on {machine}, Python {platform.python_version()}", *notes],
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=40, help="how often each command is run (default: 40)")
    parser.add_argument("--strict", action="store_true", help="status 1 if a budget is missed")
    options = parser.parse_args()
    report = measure(options.rounds)
    print(as_json(report) if options.json else as_table(report))
    return 1 if options.strict and any(each.is_kept is False for each in report.budgets) else 0


if __name__ == "__main__":
    sys.exit(main())
