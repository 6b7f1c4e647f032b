"""One-time codes that no vault holds, and what a person hears while they wait; the real aws, a strict STS."""

import itertools
import re
import time
from collections.abc import Iterator

import pytest

from tests.aws_server.client import Device, LocalAws
from tests.programs.aws_items import IDENTITY, item, item_with_codes, set_up, signed_in
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD

CONFIG = "[default]\nregion = eu-central-1\n"
NUMBERS = itertools.count()
ERASED = r"\r\x1b\[K"


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada", "grace") as found:
        yield found


@pytest.fixture
def device(aws: LocalAws) -> Iterator[Device]:
    """A new device of ada's, of which no code was used; whatever a test did to the server is undone."""
    aws.forget_calls()
    yield aws.add_device("ada", f"arn:aws:iam::123456789012:mfa/ada-{next(NUMBERS)}")
    aws.mend()


@pytest.fixture
def typing_user(user: User, aws: LocalAws, device: Device) -> User:
    """A user whose item has the device's serial and not its secret."""
    user.variables.update(aws.environment())
    set_up(user, CONFIG, item(aws.users["ada"], mfa_serial=device.serial))
    return user


def opened(user: User) -> Terminal:
    """A terminal that has unlocked the account and wraps aws."""
    terminal = user.terminal(columns=140)
    terminal.run(f"source {user.config}/plugins.sh")
    terminal.run(f"keyturn signin --password-file {user.password_file()}")
    return terminal


def command(user: User, script: str) -> str:
    """The line of a configuration file that has a script print codes."""
    path = user.home / "codes"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"mfa_process = {path}\n"


def test_a_code_is_asked_for_once_and_the_question_erased(
    typing_user: User, aws: LocalAws, device: Device
) -> None:
    terminal = opened(typing_user)
    terminal.type(IDENTITY)
    terminal.expect(f"aws needs a one-time code of {device.serial}")
    terminal.answer(f"one-time code of {device.serial}: ", "12345")
    terminal.expect("a code of this device is 6 digits")
    code = device.code(aws.now())
    terminal.answer(f"one-time code of {device.serial}: ", code)
    printed = terminal.ready()
    assert aws.users["ada"].arn in printed
    assert "no “one-time password”, so codes are typed" in printed, "said once"
    assert not [line for line in terminal.screen() if "one-time code" in line or code in line]
    assert terminal.run(IDENTITY) == (aws.users["ada"].arn + "\n", 0)
    (call,) = aws.calls("GetSessionToken")
    assert (call.serial, call.has_code, call.status) == (device.serial, True, 200)


def test_many_who_wait_share_one_code(typing_user: User, aws: LocalAws, device: Device) -> None:
    first, second = opened(typing_user), opened(typing_user)
    # Without job control: all four are in the terminal's foreground.
    first.type(f"sh -c 'for i in 1 2 3 4; do keyturn plugin run -- {IDENTITY} & done; wait'")
    first.expect(f"one-time code of {device.serial}: ")
    second.type(IDENTITY)
    time.sleep(1)
    first.type(device.code(aws.now()))
    for _ in range(4):
        first.expect(re.escape(aws.users["ada"].arn))
    assert aws.users["ada"].arn in second.ready()
    assert len(aws.calls("GetSessionToken")) == 1


def test_ctrl_c_at_one_terminal_hands_the_question_to_the_other(
    typing_user: User, aws: LocalAws, device: Device
) -> None:
    first, second = opened(typing_user), opened(typing_user)
    first.type(IDENTITY)
    first.expect(f"one-time code of {device.serial}: ")
    second.type(IDENTITY)
    time.sleep(0.5)
    first.press("c")
    first.ready()
    assert first.status() == 130
    second.answer(f"one-time code of {device.serial}: ", device.code(aws.now()))
    assert aws.users["ada"].arn in second.ready()


def test_a_wrong_code_is_refused_in_one_line_that_does_not_show_it(
    typing_user: User, aws: LocalAws, device: Device
) -> None:
    terminal = opened(typing_user)
    wrong = f"{(int(device.code(aws.now())) + 1) % 10**6:06}"
    terminal.type(IDENTITY)
    terminal.answer(f"one-time code of {device.serial}: ", wrong)
    printed = terminal.ready()
    assert "AWS refused the one-time code" in printed
    assert terminal.status() == 195
    assert not [line for line in terminal.screen() if wrong in line]


def test_without_a_terminal_it_fails_at_once(typing_user: User, aws: LocalAws) -> None:
    began = time.monotonic()
    typing_user.sh(signed_in(typing_user, IDENTITY)).fails(190, "there is no terminal to ask on")
    assert time.monotonic() - began < 10
    assert not aws.calls("GetSessionToken", "GetCallerIdentity")


def test_story_5_a_command_prints_the_code_on_the_callers_side(
    typing_user: User, aws: LocalAws, device: Device
) -> None:
    user = typing_user
    code = device.code(aws.now())
    noted = f'[ -t 0 ] || echo "no stdin, in $(pwd)" >>{user.home}/noted; echo touch it >&2; echo {code}'
    user.aws_files("", CONFIG + command(user, noted))
    directory = user.home / "work"
    directory.mkdir()
    # In a pipe, whose bytes are the command's own (story 56).
    script = signed_in(user, f"{IDENTITY}").replace("keyturn plugin", "echo piped | keyturn plugin")
    done = user.sh(script, directory=directory).succeeds()
    assert (done.output, "touch it" in done.errors) == (aws.users["ada"].arn + "\n", True)
    assert (user.home / "noted").read_text() == f"no stdin, in {directory}\n"
    # Another one a moment later shares the keys: nothing is run.
    user.sh(signed_in(user, IDENTITY)).succeeds()
    assert (user.home / "noted").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("echo 976249 lasts 24s", "something else than 6 digits"),
        ("exit 3", "ended with status 3"),
    ],
)
def test_story_6_a_command_that_prints_no_code(
    typing_user: User, aws: LocalAws, script: str, line: str
) -> None:
    typing_user.aws_files("", CONFIG + command(typing_user, script))
    typing_user.sh(signed_in(typing_user, IDENTITY)).fails(198, line)
    assert not aws.calls("GetSessionToken")


def test_what_takes_long_is_told_and_erased(user: User, aws: LocalAws, device: Device) -> None:
    user.variables.update(aws.environment())
    role = aws.add_role("slow", ["ada"])
    config = f"{CONFIG}[profile slow]\nrole_arn = {role}\nsource_profile = default\nregion = eu-west-1\n"
    set_up(user, config, item_with_codes(aws.users["ada"], device))
    terminal = opened(user)
    aws.slow(2.5, "AssumeRole")
    terminal.type(f"{IDENTITY} --profile slow >out 2>err")
    terminal.expect(ERASED + re.escape("\x1b[?7lkeyturn: assuming the role of profile “slow”\x1b[?7h"))
    assert re.fullmatch(ERASED, terminal.ready()), "erased, and nothing else"
    assert not [line for line in terminal.screen() if "assuming" in line]
    assert not (user.home / "err").read_text()
    assert (user.home / "out").read_text().endswith("assumed-role/slow/keyturn\n")


def test_ctrl_c_while_aws_is_waited_for_ends_that_command_alone(
    user: User, aws: LocalAws, device: Device
) -> None:
    user.variables.update(aws.environment())
    set_up(user, CONFIG, item_with_codes(aws.users["ada"], device))
    first, second = opened(user), opened(user)
    aws.slow(4, "GetSessionToken")
    first.type(IDENTITY)
    first.expect("keyturn: getting a session")
    second.type(IDENTITY)
    second.expect("keyturn: getting a session")
    began = time.monotonic()
    first.press("c")
    first.ready()
    assert (first.status(), time.monotonic() - began < 2) == (130, True)
    assert aws.users["ada"].arn in second.ready()
    assert first.run(IDENTITY) == (aws.users["ada"].arn + "\n", 0)
    assert len(aws.calls("GetSessionToken")) == 1, "what was asked for was not lost"


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_who_has_no_terminal_or_a_dumb_one_hears_nothing(
    user: User, aws: LocalAws, device: Device, term: str
) -> None:
    user.variables |= {**aws.environment(), "TERM": term}
    set_up(user, CONFIG, item_with_codes(aws.users["ada"], device))
    aws.slow(1.5, "GetSessionToken")
    if term == "dumb":
        terminal = user.terminal()
        terminal.run(f"source {user.config}/plugins.sh")
        terminal.run(f"keyturn signin --password-file {user.password_file()}")
        assert terminal.run(IDENTITY)[0] == aws.users["ada"].arn + "\n"
    else:
        done = user.sh(signed_in(user, IDENTITY)).succeeds()
        assert (done.output, done.errors) == (aws.users["ada"].arn + "\n", "")


def test_a_code_is_not_taken_for_an_agreement(typing_user: User, device: Device, aws: LocalAws) -> None:
    """Whoever types a code at a terminal that is not approved has still to agree first."""
    terminal = typing_user.terminal(columns=140)
    terminal.run(f"source {typing_user.config}/plugins.sh")
    terminal.type(IDENTITY)
    terminal.answer("password of account “Test”: ", PASSWORD)
    terminal.answer(f"one-time code of {device.serial}: ", device.code(aws.now()))
    assert aws.users["ada"].arn in terminal.ready()
