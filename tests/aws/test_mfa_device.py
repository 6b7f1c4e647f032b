"""How far a device is, against the strict IAM, and the two codes that enable it, at one's own time."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keyturn import otp
from keyturn.aws import mfa_device, verifying
from keyturn.aws.calls import Keys, Network, Sts
from keyturn.aws.destination import Destination
from keyturn.aws.devices import Devices
from keyturn.aws.ledger import Ledger
from keyturn.aws.mfa_device import Iam, Known, Standing
from keyturn.aws.sts import Refused
from keyturn.aws.verifying import Identity
from keyturn.ground.errors import ConfigurationError, MissingError, ServiceRefusedError, UsageError
from keyturn.ground.secret import Secret
from tests.aws.strict import MovedClock
from tests.aws_server.client import AwsUser, LocalAws
from tests.aws_server.codes import code_of, step_of

NUMBERS = itertools.count()
SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SERIAL = "arn:aws:iam::123456789012:mfa/ada"
NOTHING = Known("", has_secret=False)
PERIOD = 30


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("grace") as found:
        yield found


class Case:
    """A user without a device, and the calls with that user's keys."""

    def __init__(self, aws: LocalAws, user: AwsUser) -> None:
        place = Sts("eu-central-1", endpoint=aws.endpoint)
        self.aws, self.user = aws, user
        self.place = Destination(place, place, Network())
        self.keys = Keys(user.access_key_id, Secret(user.secret_access_key))
        self.iam = Iam(self.keys, self.place)
        self.identity = Identity("123456789012", user.arn)
        self.serial = user.arn.replace(":user/", ":mfa/")

    def stand(self, known: Known = NOTHING, name: str = "") -> Standing:
        return mfa_device.stand(self.iam, self.identity, known, name, "item “AWS”")

    def enable(self, serial: str, seed: Secret) -> None:
        step = step_of(self.aws.now())
        first, second = (Secret(code_of(seed.reveal(), each)) for each in (step - 1, step))
        self.iam.enable(self.user.name, serial, (first, second))


@pytest.fixture
def case(aws: LocalAws) -> Case:
    return Case(aws, aws.add_user(f"ada{next(NUMBERS)}", path="/team/"))


def test_identify(case: Case) -> None:
    found = verifying.identify(case.keys, case.place)
    assert found == case.identity
    assert found.user == case.user.name


def test_a_device_is_made_once_it_is_kept(case: Case) -> None:
    made = case.stand()
    assert made.made is not None
    # Without the user's path: a device has one of its own.
    assert made.serial == f"arn:aws:iam::123456789012:mfa/{case.user.name}"
    assert not made.replaced
    kept = Known(made.serial, has_secret=True)
    assert case.stand(kept) == Standing(made.serial)
    case.enable(made.serial, made.made)
    assert case.stand(kept) == Standing(made.serial, is_enabled=True)
    with pytest.raises(UsageError, match="has the MFA device"):
        case.stand(kept, "other")
    with pytest.raises(ConfigurationError, match="is enabled already, and its secret is not in item “AWS”"):
        case.stand()
    with pytest.raises(ConfigurationError, match="is enabled already"):
        case.stand(Known(made.serial, has_secret=False))
    second = case.stand(name="second")
    assert second.serial.endswith(":mfa/second")


def test_one_whose_secret_is_lost_is_replaced(case: Case) -> None:
    first = case.stand()
    for known in (NOTHING, Known(first.serial, has_secret=False)):
        second = case.stand(known)
        assert (second.serial, second.replaced) == (first.serial, True)
        assert second.made is not None
        assert second.made != first.made
        first = second


def test_anothers_device_and_another_serial_stay(case: Case, aws: LocalAws) -> None:
    other = Case(aws, aws.add_user(f"other{next(NUMBERS)}"))
    made = other.stand(name="shared")
    assert made.made is not None
    other.enable(made.serial, made.made)
    with pytest.raises(ConfigurationError, match="is another user's"):
        case.stand(name="shared")
    assert other.iam.enabled(other.user.name) == [made.serial]
    with pytest.raises(ConfigurationError, match="this user has no such device"):
        case.stand(Known("arn:aws:iam::123456789012:mfa/other", has_secret=False))
    with pytest.raises(ConfigurationError, match="which device is it of"):
        case.stand(Known("", has_secret=True))


@pytest.mark.parametrize("name", ["two words", "x" * 227, "a/b", "é"])
def test_names_that_no_device_has(case: Case, name: str) -> None:
    with pytest.raises(UsageError, match="a device's name is made of"):
        case.stand(name=name)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:root",
        "arn:aws:sts::123456789012:assumed-role/ada/x",
        "arn:aws:sts::123456789012:federated-user/ada",
    ],
)
def test_keys_of_no_user_are_refused_before_iam_is_asked(case: Case, aws: LocalAws, arn: str) -> None:
    aws.forget_calls()
    with pytest.raises(ConfigurationError):
        mfa_device.stand(case.iam, Identity("123456789012", arn), NOTHING, "", "item “AWS”")
    assert not aws.calls()


def test_wrong_codes_and_a_device_that_is_gone(case: Case) -> None:
    made = case.stand()
    now = MovedClock().now

    def refused(serial: str) -> Any:
        with pytest.raises(Refused) as caught:
            case.enable(serial, Secret(SEED))
        return mfa_device.explain(caught.value, "item “AWS”", serial, case.place, now)

    wrong = refused(made.serial)
    assert isinstance(wrong, ServiceRefusedError)
    assert "AWS refused the codes" in wrong.message
    gone = refused(made.serial + "x")
    assert isinstance(gone, MissingError)
    assert "any more" in gone.message
    far = mfa_device.explain(Refused("InvalidAuthenticationCode", "x", None), "item", SERIAL, case.place, now)
    assert "clock" not in far.message


class TestTwoCodes:
    """The clock is moved by `sleep`; what a test adds happens once, in the middle of the wait."""

    def codes(
        self, path: Path, clock: MovedClock, meanwhile: Callable[[], object] = lambda: None
    ) -> tuple[list[str], list[str]]:
        told: list[str] = []
        happened = False

        async def sleep(seconds: float) -> None:
            nonlocal happened
            if not happened:
                happened = True
                meanwhile()
            await clock.sleep(seconds)

        async def work() -> list[str]:
            devices = Devices(clock, Ledger(path), sleep)
            found = await mfa_device.two_codes(
                devices, clock, SERIAL, otp.parse(Secret(SEED)), lambda line: told.append(line())
            )
            return [each.reveal() for each in found]

        return asyncio.run(work()), told

    def test_this_steps_and_the_next_ones(self, tmp_path: Path) -> None:
        clock = MovedClock()
        step = step_of(clock.time)
        found, told = self.codes(tmp_path / "used", clock)
        assert found == [code_of(SEED, step), code_of(SEED, step + 1)]
        assert step_of(clock.time) == step + 1, "neither is of a step to come"
        assert told == ["next one-time code in 30 s"]
        # Both count as used.
        after, _ = self.codes(tmp_path / "used", clock)
        assert after == [code_of(SEED, step + 2), code_of(SEED, step + 3)]

    def test_a_step_that_was_slept_through_begins_it_anew(self, tmp_path: Path) -> None:
        clock = MovedClock()
        step = step_of(clock.time)

        def sleep_on() -> None:
            clock.time += 5 * PERIOD

        found, _ = self.codes(tmp_path / "used", clock, sleep_on)
        first = next(each for each in range(step, step + 20) if code_of(SEED, each) == found[0])
        assert first >= step + 5
        assert found[1] == code_of(SEED, first + 1)

    def test_a_code_that_was_used_elsewhere_is_not_one_of_them(self, tmp_path: Path) -> None:
        clock = MovedClock()
        step = step_of(clock.time)
        Ledger(tmp_path / "used").claim(SERIAL, step * PERIOD, (step + 1) * PERIOD)

        def use_the_next() -> None:
            Ledger(tmp_path / "used").claim(SERIAL, (step + 2) * PERIOD, (step + 3) * PERIOD)

        found, _ = self.codes(tmp_path / "used", clock, use_the_next)
        assert found == [code_of(SEED, step + 3), code_of(SEED, step + 4)]
