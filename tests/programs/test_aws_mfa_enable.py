"""`keyturn aws mfa enable`: a device is made, kept and enabled, whatever comes between; a strict IAM."""

import itertools
import re
import time
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.aws_server.api import client
from tests.aws_server.client import LocalAws
from tests.aws_server.codes import code_of, step_of
from tests.programs.aws_items import IDENTITY, item, signed_in
from tests.programs.mfa_person import MfaPerson
from tests.programs.user import User

NUMBERS = itertools.count()
MADE, ENABLED, DELETED = "CreateVirtualMFADevice", "EnableMFADevice", "DeleteVirtualMFADevice"
INIT = ("plugin", "init", "aws", "--item", "AWS", "--no-input", "--no-shell-rc", "--also", "")


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("grace") as found:
        yield found


@pytest.fixture
def person(user: User, aws: LocalAws) -> Iterator[MfaPerson]:
    """A person with a new IAM user's keys; whatever a test did to the server is undone, the time aside."""
    ada = aws.add_user(f"ada{next(NUMBERS)}")
    user.variables.update(aws.environment())
    user.account(item(ada))
    aws.forget_calls()
    yield MfaPerson(user, aws, ada)
    aws.mend()


def edit(person: MfaPerson, *words: str, stdin: str = "") -> None:
    file = ("--password-file", person.user.password_file())
    person.user.keyturn("item", "edit", "AWS", *words, *file, stdin=stdin).succeeds()


def test_a_device_is_made_kept_and_enabled(person: MfaPerson) -> None:
    done = person.enable().succeeds()
    assert person.devices() == [person.serial]
    held = person.fields()
    assert held["mfa serial"] == person.serial
    assert re.fullmatch(r"[A-Z2-7]{32,}", held["one-time password"])
    seed = held["one-time password"]
    assert seed not in done.errors + done.output
    left = [path for path in person.user.home.rglob("*") if path.is_file()]
    assert not [path for path in left if seed.encode() in path.read_bytes()]
    assert f"made the MFA device {person.serial}; its secret is in item “AWS”" in done.errors
    assert person.changes() == [MADE, ENABLED]
    # STS takes its codes from now on; the two that were used are not sent again.
    user = person.user
    user.aws_files("", "[default]\nregion = eu-central-1\n")
    user.keyturn(*INIT, "--password-file", user.password_file()).succeeds()
    person.wait_step()
    assert user.sh(signed_in(user, IDENTITY)).succeeds().output == person.ada.arn + "\n"
    (call,) = person.aws.calls("GetSessionToken")
    assert (call.serial, call.has_code, call.status) == (person.serial, True, 200)
    # Once more: nothing is asked for that would change it.
    person.aws.forget_calls()
    assert "is enabled already" in person.enable().succeeds().errors
    assert person.changes() == []


@pytest.mark.parametrize(
    ("action", "after"),
    [
        ("ListMFADevices", [MADE, ENABLED]),
        # AWS enabled it, and nobody heard of it.
        (ENABLED, []),
    ],
)
def test_killed_while_aws_is_asked(person: MfaPerson, action: str, after: list[str]) -> None:
    aws = person.aws
    aws.slow(1.5, action)
    used, is_moved = person.used(), False

    def is_asked() -> bool:
        nonlocal is_moved
        if person.used() != used and not is_moved:
            is_moved = True
            person.wait_step()
        return bool(aws.calls(action))

    person.killed(is_asked)
    aws.mend()
    while aws.calls(action)[0].status is None:
        time.sleep(0.05)
    person.wait_step()
    aws.forget_calls()
    done = person.enable().succeeds()
    assert person.changes() == after
    assert ("is enabled already" in done.errors) == (action == ENABLED)
    assert person.devices() == [person.serial]


@pytest.mark.parametrize("point", ["the secret is kept", "a code is used"])
def test_killed_between_two_steps(person: MfaPerson, point: str) -> None:
    used = person.used()
    if point == "a code is used":
        person.killed(lambda: person.used() != used)
    else:
        person.killed(lambda: "mfa serial" in person.fields())
    # A code that was used already would be waited out.
    person.wait_step()
    kept = person.fields()
    assert (kept["mfa serial"], person.devices()) == (person.serial, [])
    person.aws.forget_calls()
    done = person.enable().succeeds()
    assert "going on with the MFA device" in done.errors
    assert person.changes() == [ENABLED]
    assert (person.fields(), person.devices()) == (kept, [person.serial])


def test_a_device_whose_secret_is_lost_is_made_anew(person: MfaPerson) -> None:
    iam = client(person.aws, person.ada, "iam")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=person.ada.name)
    person.aws.forget_calls()
    done = person.enable().succeeds()
    assert "threw away a device of that name" in done.errors
    assert person.changes() == [MADE, DELETED, MADE, ENABLED]
    lost = made["VirtualMFADevice"]["Base32StringSeed"].decode()
    assert person.fields()["one-time password"] != lost
    assert person.devices() == [person.serial]


def test_ctrl_c_at_the_countdown_and_again(person: MfaPerson) -> None:
    terminal = person.user.terminal()
    terminal.run(f"keyturn signin --password-file {person.user.password_file()}")
    terminal.type("keyturn aws mfa enable AWS")
    terminal.expect(r"next one-time code in \d+ s")
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert person.devices() == []
    terminal.type("clear; keyturn aws mfa enable AWS")
    terminal.expect(r"next one-time code in \d+ s")
    # The two codes that AWS wants follow each other: not a step more than is needed.
    used = person.used()
    person.wait_step()
    person.keep_time(used, lambda: bool(person.aws.calls(ENABLED)))
    terminal.ready()
    assert not [line for line in terminal.screen() if "next one-time code" in line], "it is erased"
    assert person.devices() == [person.serial]


def test_what_aws_does_not_answer_is_tried_again_by_hand(person: MfaPerson) -> None:
    person.aws.fail_next(1, "closed", ENABLED)
    person.refused(Status.SERVICE_REFUSED, "did not answer in time, or broke off")
    assert person.devices() == []
    person.wait_step()
    person.aws.forget_calls()
    person.enable().succeeds()
    assert person.changes() == [ENABLED]


def test_what_is_refused_leaves_item_and_devices_as_they_are(person: MfaPerson) -> None:
    before = person.fields()
    iam = client(person.aws, person.ada, "iam")
    person.refused(Status.USAGE, "a device's name is made of", "--device-name", "two words")
    # Another user's device of the name.
    other = person.aws.add_user(f"other-{person.ada.name}")
    taken = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"taken-{person.ada.name}")["VirtualMFADevice"]
    step = step_of(person.aws.now())
    seed = taken["Base32StringSeed"].decode()
    iam.enable_mfa_device(
        UserName=other.name,
        SerialNumber=taken["SerialNumber"],
        AuthenticationCode1=code_of(seed, step - 1),
        AuthenticationCode2=code_of(seed, step),
    )
    name = ("--device-name", f"taken-{person.ada.name}")
    person.refused(Status.CONFIGURATION, "is another user's", *name)
    assert (person.fields(), person.devices()) == (before, [])
    # A secret without a serial, then one that is not the device's.
    edit(person, "one-time password=-", stdin="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    person.refused(Status.CONFIGURATION, "has a “one-time password” and no “mfa serial”")
    iam.create_virtual_mfa_device(VirtualMFADeviceName=person.ada.name)
    edit(person, f"mfa serial={person.serial}")
    person.aws.forget_calls()
    person.refused(Status.SERVICE_REFUSED, "AWS refused the codes")
    assert person.devices() == []
