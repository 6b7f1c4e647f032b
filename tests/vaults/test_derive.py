"""The slow tasks: what they make opens, and what is wrong comes back typed."""

import pytest

from keyturn.ground.errors import DamagedError, UsageError, WorkFactorError, WrongPasswordError
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError
from keyturn.vaults.age import armor, derive, identities
from keyturn.vaults.age.derive import UnwrapPassword, Unwrapped, WrapPassword
from keyturn.vaults.failed import Failed
from tests.vaults import age_scrypt
from tests.vaults.templates import really_wrapped


def perform(task: derive.Task) -> derive.Result:
    """As the helper does it: bytes in, bytes out."""
    result = derive.perform(derive.decode_task(derive.encode_task(task)))
    return derive.decode_result(derive.encode_result(result))


def test_the_work_that_age_chooses_is_within_bounds() -> None:
    """That it opens is seen with `age` itself, in test_format_page.py."""
    work = armor.work_factor(really_wrapped("typed EXAMPLE").block)
    assert armor.LEAST_WORK <= work <= armor.MOST_WORK


def test_the_independent_writer_is_understood() -> None:
    wrapped = age_scrypt.wrapped("pass wörd 🔑")
    unwrapped = perform(UnwrapPassword(wrapped.block, Secret("pass wörd 🔑")))
    assert isinstance(unwrapped, Unwrapped)
    assert identities.recipient_of(unwrapped.identity) == wrapped.recipient


@pytest.mark.parametrize("password", ["y", "", "X", "x ", "x\udcff"])
def test_a_wrong_password_is_a_wrong_password(password: str) -> None:
    block = age_scrypt.wrapped("x").block
    result = derive.perform(UnwrapPassword(block, Secret(password)))
    assert isinstance(result, Failed)
    error = derive.decode_result(derive.encode_result(result))
    assert isinstance(error, Failed)
    assert type(error.error()) is WrongPasswordError


@pytest.mark.parametrize("password", ["", "a\nb", "a\0", "\x1b", "x\udcff"])
def test_a_password_that_nobody_could_type_is_refused(password: str) -> None:
    result = derive.perform(WrapPassword(Secret(password)))
    assert isinstance(result, Failed)
    assert type(result.error()) is UsageError


@pytest.mark.parametrize(
    ("work", "error"), [("14", WorkFactorError), ("22", WorkFactorError), ("x", DamagedError)]
)
def test_the_work_factor_is_looked_at_before_deriving(work: str, error: type[DamagedError]) -> None:
    result = derive.perform(UnwrapPassword(age_scrypt.header_only(work), Secret("x")))
    assert isinstance(result, Failed)
    assert type(result.error()) is error


IDENTITY = derive.identity_file(identities.generate())


@pytest.mark.parametrize(
    "content",
    [b"", b"AGE-SECRET-KEY-1X\n", b"\xff", b"# x\n" + IDENTITY, IDENTITY[:-1], IDENTITY.lower()],
    # Named, for a name with a random identity in it is another one in each worker of a parallel run.
    ids=["nothing", "too short", "no text", "a comment", "no line feed", "lower case"],
)
def test_a_block_that_holds_no_identity_is_damaged(content: bytes) -> None:
    result = derive.perform(UnwrapPassword(age_scrypt.lock(content, "x"), Secret("x")))
    assert isinstance(result, Failed)
    assert type(result.error()) is DamagedError


def test_secrets_are_masked_and_garbage_is_not_repeated() -> None:
    shown = repr(WrapPassword(Secret("hunter2"))) + repr(Unwrapped(identities.generate()))
    assert "hunter2" not in shown
    assert "AGE-SECRET" not in shown
    for decode in (derive.decode_task, derive.decode_result):
        for content in (b"", b"hunter2", derive.encode_task(WrapPassword(Secret("hunter2")))[:-1]):
            with pytest.raises(WireError) as caught:
                decode(content)
            assert "hunter2" not in repr(caught.value) + repr(caught.value.__context__)
