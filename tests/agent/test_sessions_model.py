"""Approvals, inheritance and grants against a plain model: thousands of steps on made-up processes."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any, cast

import hypothesis.strategies as st
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from keyturn.agent.approvals import Approvals, How
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose, Questions
from keyturn.agent.registry import Entry
from keyturn.agent.uses import Program, Use
from keyturn.ground.errors import LockedError
from keyturn.ground.settings import Approval as Limits
from keyturn.ground.settings import Preset, Settings
from keyturn.sdk.codes import TypedCodes
from tests.agent.kernel import AGENT, OTHER_UID, Kernel, Made
from tests.agent.people import Undisturbed
from tests.vaults.templates import StoppedClock

ACCOUNTS, ITEMS = ("work", "home"), ("one", "two")
PLUGINS = ("aws", "gh")
AWS = Program("aws", "/usr/bin/aws", 1, 1)
PLACES = ("/srv/app", "/srv/app/deep", "/srv/app-old", "/")
IDLE, HARD = 600, 12 * 3600
WAITS = (0, 1, 30, 60, IDLE - 1, IDLE, IDLE + 1, 3599, 3600, 3601, HARD - 1, HARD + 1)
EVERYWHERE = "every terminal"


SEEN: Counter[tuple[Preset, str]] = Counter()


class AskedError(Exception):
    """The machine under test would ask a person now."""


class Unlocked(set[str]):
    """Stands for the keeper's accounts: those that are open."""

    def unlocked(self, account: str) -> object | None:
        return self if account in self else None


class Asker(Undisturbed):
    async def waiting(self) -> None:
        raise AskedError


class TerminalSessions(RuleBasedStateMachine):
    """Every rule does a thing to both: the product's tables, and the lists of this class."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = StoppedClock()
        self.kernel = Kernel()
        self.limits = Limits()
        # The model. An approval: its shell (or EVERYWHERE), account, item and program, since, last use.
        self.approved: dict[tuple[object, ...], list[float]] = {}
        self.granted: list[dict[str, Any]] = []
        self.accounts = Unlocked()
        self.start_keeper()
        for _ in range(2):
            shell = self.kernel.open_terminal()
            assert shell is not None
            self.kernel.fork(shell)
            near = self.kernel.fork(shell, setsid=True)
            assert near is not None
            self.kernel.fork(near, setsid=True)
            self.kernel.open_terminal(shell)

    @initialize(preset=st.sampled_from(Preset))
    def the_preset_is_chosen(self, preset: Preset) -> None:
        self.limits = Limits(preset=preset)

    def start_keeper(self) -> None:
        """A keeper with empty memory, as after a lock or its death."""
        self.accounts.clear()
        self.approved.clear()
        self.granted.clear()
        self.approvals = Approvals(self.clock, {AGENT}, self.kernel.read)
        nothing, questions = cast(Any, None), Questions(lambda: 60)
        self.permissions = Permissions(
            cast(Any, self.accounts),
            self.approvals,
            questions,
            nothing,
            self.clock,
            lambda: None,
            TypedCodes(self.clock),
        )

    def asks(self, process: Made, use: Use) -> str:
        asker = Asker(self.kernel.caller(process))
        entry = Entry(id=use.account, title=use.account, directory="/")
        attempt = self.permissions.obtain(asker, entry, Purpose((), use), Settings(approval=self.limits))
        try:
            attempt.send(None)
        except StopIteration as done:
            permission: Permission = done.value
            return str(permission.how)
        except AskedError:
            return "asked"
        except LockedError:
            return "refused"
        raise AssertionError("it waits for something else")

    def key(self, shell: Made, use: Use) -> tuple[object, ...]:
        if self.limits.preset is Preset.STRICT:
            return (Preset.STRICT, shell, use.account, use.item, use.program)
        where = EVERYWHERE if self.limits.preset is Preset.LOGIN_SESSION else shell
        return (self.limits.preset, where, use.account, "", None)

    def shell_of(self, process: Made) -> Made | None:
        """The leader of the terminal session that a process is in."""
        leader = process.leader
        if process.nested or not process.terminal or leader is None or not leader.is_alive:
            return None
        return leader if leader.uid == process.uid else None

    def holds(self, shell: Made, use: Use) -> list[float] | None:
        times = self.approved.get(self.key(shell, use))
        if times is None or self.limits.preset is Preset.LOGIN_SESSION:
            return times
        since, used = times
        alive = self.clock.seconds < used + IDLE and self.clock.seconds < since + HARD
        return times if alive else None

    def line(self, process: Made) -> list[Made]:
        found = []
        for each in process.above():
            if each.uid != process.uid or each.nested:
                break
            found.append(each)
        return found

    def family(self, process: Made) -> list[Made]:
        return [] if self.is_agents(process) else self.line(process)

    def is_agents(self, process: Made) -> bool:
        return self.kernel.agent in self.line(process)

    def says(self, process: Made, use: Use) -> str:
        own = self.shell_of(process)
        by_agent = self.is_agents(process)
        if use.account not in self.accounts:
            return "refused" if by_agent else "asked"
        if own is not None and (times := self.holds(own, use)) is not None:
            times[1] = self.clock.seconds
            return How.APPROVED
        family = self.family(process)
        if own is None and self.limits.inherit:
            for number, each in enumerate(family):
                sessions = [one.session for one in family[: number + 1]]
                if sum(a != b for a, b in itertools.pairwise(sessions)) > 1:
                    break
                shell = self.shell_of(each)
                if shell is not None and self.holds(shell, use) is not None:
                    return How.INHERITED
        for grant in self.granted:
            if self.clock.seconds < grant["ends"] and self.fits(grant, family, use, own):
                return How.GRANTED
        return "refused" if own is None or by_agent else "asked"

    @staticmethod
    def fits(grant: dict[str, Any], family: list[Made], use: Use, own: Made | None) -> bool:
        if grant["account"] != use.account or grant["plugin"] not in ("", use.plugin):
            return False
        below = grant["below"]
        if below and use.directory != below and not use.directory.startswith(below.rstrip("/") + "/"):
            return False
        if grant["root"] is not None:
            return grant["root"] in family
        return own is None and bool(family)

    def some(self, data: st.DataObject) -> Made:
        return data.draw(st.sampled_from(self.kernel.living))

    @rule()
    def a_terminal_is_opened(self) -> None:
        self.kernel.open_terminal()

    @rule(data=st.data(), kind=st.sampled_from(("fork", "fork", "setsid", "script", "su", "nested")))
    def something_is_started(self, data: st.DataObject, kind: str) -> None:
        parent = self.some(data)
        if kind == "script":
            self.kernel.open_terminal(parent)
            return
        uid = OTHER_UID if kind == "su" else None
        made = self.kernel.fork(parent, setsid=kind == "setsid", uid=uid)
        if made is not None and kind == "nested":
            made.nested = True

    @precondition(lambda self: len(self.kernel.living) > 1)
    @rule(data=st.data())
    def something_ends(self, data: st.DataObject) -> None:
        self.kernel.end(data.draw(st.sampled_from([p for p in self.kernel.living if p.pid != AGENT])))

    @rule(data=st.data(), agree=st.sampled_from((True, True, True, False)))
    def something_is_used(self, data: st.DataObject, agree: bool) -> None:
        """Some processes, one after the other; the person, if asked, agrees or not."""
        for process in data.draw(st.lists(st.sampled_from(self.kernel.living), min_size=1, max_size=6)):
            plugin = data.draw(st.sampled_from(PLUGINS))
            self.use(
                process,
                Use(
                    account=data.draw(st.sampled_from(ACCOUNTS)),
                    item=data.draw(st.sampled_from(ITEMS)),
                    program=Program(plugin, f"/usr/bin/{plugin}", 1, 1),
                    directory=data.draw(st.sampled_from(PLACES)),
                ),
                agree=agree,
            )

    def use(self, process: Made, use: Use, *, agree: bool) -> None:
        expected = self.says(process, use)
        assert self.asks(process, use) == expected, (process, use)
        SEEN[self.limits.preset, expected] += 1
        shell = self.shell_of(process)
        if expected == "asked" and agree and shell is not None:
            self.accounts.add(use.account)
            caller = self.kernel.caller(process)
            self.permissions.allow(caller, use, Settings(approval=self.limits))
            self.approved[self.key(shell, use)] = [self.clock.seconds, self.clock.seconds]

    @rule(seconds=st.sampled_from(WAITS))
    def time_passes(self, seconds: int) -> None:
        self.clock.seconds += seconds

    @precondition(lambda self: any(isinstance(key[1], Made) and key[1].is_alive for key in self.approved))
    @rule(data=st.data(), limit=st.sampled_from(("idle", "idle", "hard")), offset=st.sampled_from((-1, 0, 1)))
    def a_limit_comes(self, data: st.DataObject, limit: str, offset: int) -> None:
        """One second before a limit, at it, one second after; by the terminal, or by who may inherit."""
        keys = [key for key in self.approved if isinstance(key[1], Made) and key[1].is_alive]
        key = data.draw(st.sampled_from(keys))
        shell = cast(Made, key[1])
        use = Use(str(key[2]), str(key[3]) or ITEMS[0], cast(Program | None, key[4]) or AWS, PLACES[0])
        since, used = self.approved[key]
        if limit == "hard":
            while self.clock.seconds + IDLE - 1 < since + HARD - 1 and self.holds(shell, use) is not None:
                self.clock.seconds += IDLE - 1
                self.use(shell, use, agree=False)
            since, used = self.approved[key]
        end = (used + IDLE if limit == "idle" else since + HARD) + offset
        self.clock.seconds = max(self.clock.seconds, end)
        users = [each for each in self.kernel.living if shell in each.above()]
        self.use(data.draw(st.sampled_from(users)), use, agree=False)
        self.use(shell, use, agree=False)

    @rule(what=st.sampled_from((*["nothing"] * 8, "screen", "lock", "suspend")))
    def something_drastic_happens(self, what: str) -> None:
        """The screen is locked; or all is forgotten: by lock, by the keeper's death, before a suspend."""
        if what == "screen":
            self.approvals.end_all()
            self.approved.clear()
        elif what != "nothing":
            self.clock.seconds += 100_000 if what == "suspend" else 0
            self.start_keeper()

    @rule(data=st.data(), really=st.sampled_from((True, False)))
    def somebody_signs_out(self, data: st.DataObject, really: bool) -> None:
        if not really:
            return
        process = self.some(data)
        self.approvals.end(self.kernel.caller(process).terminal)
        shell = self.shell_of(process)
        if shell is not None:
            self.approved = {k: v for k, v in self.approved.items() if k[1] not in (shell, EVERYWHERE)}
            self.use(shell, Use(ACCOUNTS[0], ITEMS[0], AWS, PLACES[0]), agree=False)

    @rule(
        data=st.data(),
        account=st.sampled_from(ACCOUNTS),
        plugin=st.sampled_from(("", *PLUGINS)),
        below=st.sampled_from(("", "/srv/app", "/")),
        tree=st.booleans(),
        seconds=st.sampled_from((60, 3600)),
    )
    def a_grant_is_given(
        self, data: st.DataObject, account: str, plugin: str, below: str, tree: bool, seconds: int
    ) -> None:
        root = self.some(data) if tree else None
        pair = (root.pid, root.start) if root is not None else None
        self.approvals.grants.give(account, seconds, plugin=plugin, below=below, root=pair)
        new = {"account": account, "plugin": plugin, "below": below, "root": root}
        self.granted = [each for each in self.granted if {**each, **new} != {**each}]
        self.granted.append({**new, "ends": self.clock.seconds + seconds})

    @rule(really=st.sampled_from((True, False, False, False)))
    def all_grants_are_revoked(self, really: bool) -> None:
        if not really:
            return
        self.approvals.grants.end_all()
        self.granted.clear()

    @rule(preset=st.sampled_from(Preset), inherit=st.booleans(), really=st.sampled_from((True, False, False)))
    def a_setting_is_changed(self, preset: Preset, inherit: bool, really: bool) -> None:
        if really:
            self.limits = Limits(preset=preset, inherit=inherit)


STEPS = hypothesis_settings(max_examples=250, stateful_step_count=50, deadline=None, derandomize=True)
MANY_STEPS = hypothesis_settings(max_examples=2000, stateful_step_count=100, deadline=None)


@pytest.mark.parametrize(
    "steps", [STEPS, pytest.param(MANY_STEPS, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_the_tables_say_what_the_model_says(steps: hypothesis_settings) -> None:
    SEEN.clear()
    run_state_machine_as_test(TerminalSessions, settings=steps)
    assert {preset for preset, _ in SEEN} == set(Preset)
    answers = {answer for _, answer in SEEN}
    assert answers == {*How, "asked", "refused"}, "an answer that was never given was never compared"
