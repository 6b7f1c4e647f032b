"""How a command ends: one line, hints, a status; and nothing of what an unforeseen error has in its text."""

import errno
import signal

import pytest

from keyturn.cli.ending import guarded
from keyturn.ground.errors import CancelledByPersonError, KeyturnError, MissingError, Status, all_errors


def ends(error: BaseException) -> int:
    def work() -> None:
        raise error

    return guarded(work)


@pytest.mark.parametrize("kind", all_errors().values(), ids=lambda kind: kind.code)
def test_every_error_is_a_line_and_its_hints(
    kind: type[KeyturnError], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(kind("what is wrong", "what to try", "what else")) == kind.status
    said = capsys.readouterr()
    assert said.out == ""
    wanted = "keyturn: what is wrong\n  hint: what to try\n  hint: what else\n"
    assert said.err == ("" if kind is CancelledByPersonError else wanted)


def test_an_unforeseen_error_says_where_and_not_what(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(RuntimeError("secret EXAMPLE")) == Status.FAILED
    said = capsys.readouterr().err
    assert said.startswith("keyturn: an error of its own: RuntimeError at test_ending.py:")
    assert "EXAMPLE" not in said


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(7), 7, ""),
        (SystemExit(), 0, ""),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "keyturn: no space left on device\n  hint: that disk is full: free some space, then try again\n",
        ),
        (
            UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed"),
            2,
            "keyturn: an argument is not UTF-8 text\n",
        ),
    ],
)
def test_other_ends(error: BaseException, status: int, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert ends(error) == status
    assert capfd.readouterr().err == said


def test_a_reader_that_has_enough(capfd: pytest.CaptureFixture[str]) -> None:
    assert ends(BrokenPipeError()) == 128 + signal.SIGPIPE
    assert capfd.readouterr().err == ""


def test_names_from_elsewhere_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    ends(MissingError("a\x1b[2J\nb\u202e", "c\rd"))
    assert capsys.readouterr().err == "keyturn: a·[2J·b·\n  hint: c·d\n"
