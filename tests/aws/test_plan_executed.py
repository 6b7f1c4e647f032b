"""Plans of real files, carried out against a strict STS: what is run in whatever order is not refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.aws.executor import Executor
from keyturn.ground.errors import KeyturnError
from keyturn.sdk.run import NeedWork, Worker
from tests.aws.stage import Stage
from tests.aws.world import Caller, item

HOUR = 3600
REGIONS = ("eu-west-1", "us-west-2", "ap-east-1")


def arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


def role(name: str, source: str, *lines: str) -> str:
    return "\n".join(
        (f"[profile {name}]", f"role_arn = {arn(name)}", f"source_profile = {source}", *lines, "")
    )


CONFIG = "".join(
    (
        "[profile s]\nregion = eu-central-1\n[profile plain]\nregion = us-east-2\n",
        *(role(f"r{number}", "s", f"region = {REGIONS[number % 3]}") for number in range(4)),
        f"[profile alone]\nrole_arn = {arn('alone')}\n",
        role("short", "s", "duration_seconds = 900"),
        role("long", "s", f"duration_seconds = {12 * HOUR}"),
        role("over-long", "long", f"duration_seconds = {12 * HOUR}", "external_id = outside"),
        role("over-r1", "r1"),
        role("three", "over-r1", "duration_seconds = 7200"),
    )
)
NAMES = (
    "s",
    "plain",
    "default",
    "alone",
    "short",
    "long",
    "over-long",
    "over-r1",
    "three",
    "r0",
    "r1",
    "r2",
    "r3",
)
COMMANDS = st.tuples(st.sampled_from(NAMES), st.sampled_from([0, 0, 0, 1, 5, 29, 31, 600, HOUR, 11 * HOUR]))


@dataclass
class Terminal:
    """A person at whose terminal commands are run one after the other."""

    stage: Stage
    caller: Caller

    async def run(self, name: str, worker: Worker | None = None) -> str:
        """The key id that a command with this profile gets."""
        step = self.caller.step(f"--profile {name} s3 ls")
        if isinstance(step, NeedWork):
            step = await step.do(worker or self.stage.person)
        return step.assign["AWS_ACCESS_KEY_ID"].decode()


def terminal(home: Path, with_device: bool = True) -> Terminal:
    """Ada's, whose item has her device and its secret; or nothing but keys, for roles without MFA."""
    stage = Stage(home)
    for name in NAMES:
        outside = "outside" if name == "over-long" else ""
        # What is reached over another role carries no MFA any more.
        needs_mfa = with_device and name in ("alone", "short", "long", "r0", "r1", "r2", "r3")
        made = stage.sts.add_role(name, needs_mfa, 12 * HOUR, outside)
        assert made == arn(name)
    assert stage.known.secret is not None
    device = {"mfa_serial": stage.known.serial, "one_time_password": stage.known.secret.reveal()}
    found = Caller(home, item("ada", secret_access_key="secret-of-ada", **(device if with_device else {})))
    found.executor = stage.executor  # type: ignore[assignment]  # the real one
    assert isinstance(found.executor, Executor)
    found.write(CONFIG)
    return Terminal(stage, found)


def play(home: Path, commands: list[tuple[str, int]], with_device: bool) -> Terminal:
    """Run commands, with seconds passing after each. Nothing that STS refuses may be asked for."""
    found = terminal(home, with_device)
    (home / "one-time-codes.json").unlink(missing_ok=True)

    async def main() -> None:
        for name, seconds in commands:
            await found.run(name)
            assert found.stage.sts.refusals == []
            found.stage.clock.time += seconds
            await found.stage.settle()

    asyncio.run(main())
    assert found.stage.sts.refusals == []
    return found


def check(found: Terminal, commands: list[tuple[str, int]], with_device: bool) -> None:
    """No token without MFA, and no more of them than their twelve hours make necessary."""
    tokens = found.stage.sts.count("GetSessionToken")
    if not with_device:
        assert tokens == 0
    # One is taken until five minutes before its end.
    assert tokens <= 1 + sum(seconds for _, seconds in commands) // (12 * HOUR - 300)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=12), with_device=st.booleans())
def test_no_sequence_is_refused(commands: list[tuple[str, int]], with_device: bool, home: Path) -> None:
    check(play(home, commands, with_device), commands, with_device)


@pytest.mark.soak
@pytest.mark.timeout(600)
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=25), with_device=st.booleans())
def test_no_sequence_of_thousands_is_refused(
    commands: list[tuple[str, int]], with_device: bool, home: Path
) -> None:
    check(play(home, commands, with_device), commands, with_device)


def test_every_profile_at_once(home: Path) -> None:
    """Roles in three regions and over each other, and plain keys: one token for all of them."""
    found = terminal(home)
    names = [name for name in NAMES if name not in ("long", "over-long")]

    async def main() -> list[str]:
        return await asyncio.gather(*(found.run(name) for name in names for _ in range(3)))

    keys = asyncio.run(main())
    sts = found.stage.sts
    assert sts.refusals == []
    assert sts.count("GetSessionToken") == 1
    # s, plain and default are the user; over-r1 and three go over r1, which is assumed once.
    assert sts.count("AssumeRole") == len(names) - 3
    assert len(set(keys)) == len(names) - 2


def test_the_strict_sts_sees_what_is_wrong(home: Path) -> None:
    """What the sequences rely on: a plan with the wrong device is refused."""
    found = terminal(home)
    assert found.caller.selected is not None
    other = item("ada", secret_access_key="secret-of-ada", mfa_serial=found.stage.seen.serial)
    other.fields.append(
        next(each for each in found.caller.selected.fields if each.label == "one-time password")
    )
    found.caller.selected = other
    with pytest.raises(KeyturnError):
        asyncio.run(found.run("r0"))
    assert found.stage.sts.refusals != []
