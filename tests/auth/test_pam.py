"""PAM: libpam and its modules, an ordinary user, service files of the test's own."""

import json
import os
import sys
from collections.abc import Iterator

import pytest

from keyturn.auth import pam, pam_library, pam_service
from keyturn.auth.pam import Denied, Task, Unusable
from keyturn.auth.pam_library import Code, Style
from keyturn.ground.clock import SystemClock
from keyturn.ground.secret import Secret
from tests.auth.machine import PASSWORD, UNIX, USER, Ending, Machine, wait_until
from tests.vaults.templates import StoppedClock

QUESTION = f"login password of {USER}: "
ACCOUNT = "account required pam_permit.so\n"
PERMIT = "auth required pam_permit.so\n" + ACCOUNT


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with the service kt-unix, and without one called keyturn."""
    with Machine() as found:
        found.write("/etc/pam.d/kt-unix", UNIX)
        yield found


def authenticate(machine: Machine, user: str = USER, service: str = "kt-unix", **scene: object) -> Ending:
    return machine.play(user, authenticator="pam", service=service, **scene)


def reason(machine: Machine, service: str = "") -> str:
    return machine.play(authenticator="pam", service=service, only="unavailable").message


def helpers(machine: Machine) -> list[str]:
    """The helpers that run on this machine of the test's own; other tests have theirs."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline") as words:
                if "keyturn.agent.helper" in words.read() and machine.holds(pid):
                    found.append(pid)
        except OSError:
            continue
    return found


def test_the_login_password_is_a_yes(machine: Machine) -> None:
    done = authenticate(machine, answers=[PASSWORD])
    assert (done.outcome, done.questions) == ("approved", [["secret", QUESTION, ""]]), done
    assert PASSWORD not in json.dumps(done.log, ensure_ascii=False) + done.message


def test_a_wrong_one_may_be_typed_again(machine: Machine) -> None:
    done = authenticate(machine, answers=["wrong", "x" * 400, PASSWORD])
    assert done.outcome == "approved", done
    assert [each[2] for each in done.questions] == ["", "not accepted (1 of 3)", "not accepted (2 of 3)"]


def test_three_wrong_ones_are_a_no(machine: Machine) -> None:
    done = authenticate(machine, answers=["a", "", "c", PASSWORD])
    assert (done.outcome, len(done.questions)) == ("denied", 3), done


def test_an_answer_that_no_module_could_take_is_no_answer(machine: Machine) -> None:
    done = authenticate(machine, answers=["x" * 600, PASSWORD])
    assert (done.outcome, len(done.questions)) == ("unusable", 1), done


def test_a_yes_that_asks_nothing_is_none(machine: Machine) -> None:
    machine.write("/etc/pam.d/kt-permit", PERMIT)
    done = authenticate(machine, service="kt-permit")
    assert (done.outcome, "without asking anybody" in done.message) == ("unusable", True), done


def test_a_line_alone_does_not_make_it_one(machine: Machine) -> None:
    machine.write("/etc/pam.d/kt-echo", "auth optional pam_echo.so look\n" + PERMIT)
    done = authenticate(machine, service="kt-echo")
    assert (done.outcome, done.shown) == ("unusable", ["look"]), done


def test_a_line_and_a_wait_do_as_with_a_finger(machine: Machine) -> None:
    wait = "auth optional pam_echo.so look\nauth required pam_exec.so quiet /bin/sleep 0.4\n"
    machine.write("/etc/pam.d/kt-wait", wait + ACCOUNT)
    done = authenticate(machine, service="kt-wait")
    assert (done.outcome, done.shown) == ("approved", ["look"]), done


def test_root_is_not_let_in_because_it_is_root(machine: Machine) -> None:
    machine.write("/etc/pam.d/kt-rootok", "auth sufficient pam_rootok.so\n" + UNIX)
    assert authenticate(machine, "root", service="kt-rootok").outcome == "unusable"
    assert authenticate(machine, service="kt-rootok", answers=[PASSWORD]).outcome == "approved"
    for service in ("su", "su-l", "runuser", "runuser-l"):
        assert "asks root nothing" in reason(machine, service)


def test_an_empty_login_password_is_no_yes(machine: Machine) -> None:
    machine.write("/etc/pam.d/kt-nullok", UNIX.replace("nodelay", "nodelay nullok"))
    machine.add_user("ktempty", "x")
    machine.run("passwd", "-d", "ktempty")
    assert authenticate(machine, "ktempty", service="kt-nullok", answers=["", "", ""]).outcome == "denied"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("usermod", "--lock"), "the system's authentication was not passed"),
        (("chage", "--expiredate", "0"), "the login of {} has expired"),
        (("chage", "--lastday", "0"), "the login password of {} has expired"),
    ],
)
def test_an_account_that_is_shut_is_a_no_that_says_so(
    machine: Machine, command: tuple[str, ...], message: str
) -> None:
    user = f"ktshut{abs(hash(command)) % 10000}"
    machine.add_user(user, PASSWORD)
    machine.run(*command, user)
    done = authenticate(machine, user, answers=[PASSWORD] * 3)
    assert (done.outcome, done.message) == ("denied", message.format(user)), done


def test_a_service_that_refuses_is_a_no(machine: Machine) -> None:
    machine.write("/etc/pam.d/kt-deny", "auth required pam_deny.so\n" + ACCOUNT)
    done = authenticate(machine, service="kt-deny")
    assert (done.outcome, done.log) == ("denied", []), done
    machine.write("/etc/pam.d/kt-account", UNIX.partition("\n")[0] + "\naccount required pam_deny.so\n")
    done = authenticate(machine, service="kt-account", answers=[PASSWORD])
    assert (done.outcome, "may not be used now" in done.message) == ("denied", True), done


@pytest.mark.parametrize("content", ["auth required pam_nowhere.so\n", "auth include kt-nowhere\n"])
def test_a_service_that_does_not_work_is_no_yes(machine: Machine, content: str) -> None:
    machine.write("/etc/pam.d/kt-broken", content)
    done = authenticate(machine, service="kt-broken", answers=[PASSWORD])
    assert done.outcome in ("unusable", "denied"), done
    assert not done.questions


def test_it_is_unavailable_where_it_is_not_set_up(machine: Machine) -> None:
    """libpam would ask by the service `other`, and here that would even say yes."""
    machine.write("/etc/pam.d/other", PERMIT)
    assert reason(machine) == "it is not set up (keyturn system-auth install --pam)"
    assert reason(machine, "kt-none") == "there is no service “kt-none” (authentication.pam_service)"
    assert reason(machine, "kt-unix") == ""


def test_our_own_service_is_the_default() -> None:
    with Machine() as machine:
        content = pam_service.content((machine.path("/etc/pam.d"),))
        machine.write(str(pam.FILE), content)
        assert reason(machine) == ""
        done = authenticate(machine, service="", answers=[PASSWORD])
        assert (done.outcome, len(done.questions)) == ("approved", 1), done


@pytest.mark.parametrize("how", ["cancelled", "denied"])
def test_cancelled_or_late_it_ends_the_helper(machine: Machine, how: str) -> None:
    assert helpers(machine) == []
    seconds = 30.0 if how == "cancelled" else 1.0
    with machine.person(authenticator="pam", service="kt-unix", seconds=seconds) as person:
        person.wait_for("secret", QUESTION)
        assert helpers(machine)
        if how == "cancelled":
            person.cancel()
        assert person.ending().outcome == how
        wait_until(lambda: not helpers(machine))


class Typist:
    """Implements `Prompter`."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    def secret(self, prompt: str, warning: str = "") -> Secret:
        if not self._answers:
            raise EOFError
        return Secret(self._answers.pop(0))

    def text(self, prompt: str, warning: str = "") -> str:
        return self._answers.pop(0)

    def show(self, line: str) -> None:
        pass


def test_without_libpam_it_is_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pam_library, "LIBRARY", "libpam-nowhere.so.0")
    assert isinstance(pam.perform(Task("other", "root"), Typist(), SystemClock()), Unusable)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux-PAM")
def test_what_the_conversation_raises_is_not_taken_for_an_answer() -> None:
    with pytest.raises(EOFError):
        pam.perform(Task("other", "root"), Typist(), SystemClock())


@pytest.mark.parametrize(
    ("answers", "seconds", "is_there"),
    [(("x",), 0.0, True), (("",), 0.0, False), ((), 0.29, False), ((), 0.31, True)],
)
def test_when_a_person_was_there(answers: tuple[str, ...], seconds: float, is_there: bool) -> None:
    clock = StoppedClock()
    person = pam._Person(Typist(*answers), clock, "ada")
    assert not person.was_there()
    if answers:
        assert person.converse(Style.ECHO_ON, "code: ") == answers[0]
    else:
        person.converse(Style.INFO, "touch it")
    clock.seconds += seconds
    assert person.was_there() is is_there


@pytest.mark.parametrize("code", [*Code, 26, 99])
def test_no_code_but_success_is_a_yes(code: int) -> None:
    person = pam._Person(Typist(), StoppedClock(), "ada")
    if code != Code.SUCCESS:
        assert isinstance(pam._judged(code, "s", person), Denied | Unusable)
        assert isinstance(pam._judged_account(code, "ada"), Denied)
