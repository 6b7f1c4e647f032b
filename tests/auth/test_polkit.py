"""polkit: a real polkitd on a real bus, an ordinary user, and agents: none, a desktop's, and our own."""

import json
import os
import signal
from collections.abc import Iterator

import pytest

from keyturn.auth import polkit_policy
from keyturn.auth.polkit_authority import ACTION
from tests.auth.machine import PASSWORD, USER, Ending, Machine, wait_until

SERVICE = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
GENERIC = "Keyturn asks whether a command may use your credentials"
OWNED, ANYBODYS = polkit_policy.content([USER]), polkit_policy.content([])
QUESTION = f"login password of {USER}: "
LINES = ["aws (/usr/bin/aws) needs “prod $(keyturn.what) \x1b[2J”", "in /srv/app"]
NAMED = "aws (/usr/bin/aws) needs “prod $(keyturn.what) ·[2J”; in /srv/app"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine whose polkit knows our action and its owner."""
    with Machine() as found:
        found.start_bus()
        found.start_polkit(OWNED)
        yield found


@pytest.fixture
def changed(machine: Machine) -> Iterator[Machine]:
    """The same, for a test that changes polkit."""
    yield machine
    machine.start_polkit(OWNED)


def polkit(machine: Machine, user: str = USER, **scene: object) -> Ending:
    return machine.play(user, authenticator="polkit", lines=LINES, **scene)


def reason(machine: Machine, user: str = USER) -> str:
    return machine.play(user, authenticator="polkit", only="unavailable").message


def helpers(machine: Machine) -> str:
    """The pids of polkit's helpers that run for the user (the kernel shows 15 letters of a name)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as name, open(f"/proc/{pid}/cmdline") as words:
                is_ours = name.read().strip() == "polkit-agent-he" and USER in words.read()
                if is_ours and machine.holds(pid):
                    found.append(pid)
        except OSError:
            continue
    return " ".join(found)


def test_it_is_available(machine: Machine) -> None:
    assert reason(machine) == ""


def test_the_password_is_asked_on_the_terminal_where_no_agent_is(machine: Machine) -> None:
    done = polkit(machine, answers=[PASSWORD])
    assert done.outcome == "approved", done
    assert done.questions == [["secret", QUESTION, ""]]
    assert PASSWORD not in json.dumps(done.log) + done.message


def test_a_wrong_password_may_be_typed_again(machine: Machine) -> None:
    done = polkit(machine, answers=["wrong", "", PASSWORD])
    assert done.outcome == "approved", done
    assert [warning for _, _, warning in done.questions] == [
        "",
        "not accepted (1 of 3)",
        "not accepted (2 of 3)",
    ]


def test_three_wrong_ones_are_denied(machine: Machine) -> None:
    done = polkit(machine, answers=["a", "b", "c", PASSWORD])
    assert (done.outcome, len(done.questions)) == ("denied", 3), done


def test_a_desktops_agent_is_left_to_ask_and_names_what_for(machine: Machine) -> None:
    done = polkit(machine, agent=PASSWORD)
    assert done.outcome == "approved", done
    assert json.loads(done.message) == [ACTION, NAMED], "stripped, and polkit replaced nothing in it"
    assert not done.questions


def test_without_the_owner_the_dialog_is_general(changed: Machine) -> None:
    changed.start_polkit(ANYBODYS)
    done = polkit(changed, agent=PASSWORD)
    assert (done.outcome, json.loads(done.message)) == ("approved", [ACTION, GENERIC]), done


@pytest.mark.parametrize(
    ("manner", "message"),
    [("dismiss", "dismissed"), ("fail", "not passed"), ("fake", "not passed"), ("wrong", "not passed")],
)
def test_an_agent_that_does_not_authenticate_is_no_yes(machine: Machine, manner: str, message: str) -> None:
    done = polkit(machine, agent=manner)
    assert done.outcome == "denied", done
    assert message in done.message


def test_a_dialog_that_nobody_answers_is_taken_back(machine: Machine) -> None:
    with machine.person(authenticator="polkit", agent="hang", seconds=0.5) as person:
        person.wait_for("agent", ACTION)
        assert person.event() == ["agent", "taken back"]
        ending = person.ending()
    assert (ending.outcome, "in time" in ending.message) == ("denied", True), ending


def test_cancelled_it_takes_the_dialog_back(machine: Machine) -> None:
    with machine.person(authenticator="polkit", agent="hang") as person:
        person.wait_for("agent", ACTION)
        person.cancel()
        assert person.event() == ["agent", "taken back"]
        assert person.ending().outcome == "cancelled"


def test_dialog_and_agent_are_taken_back_by_name_and_not_only_with_the_connection(machine: Machine) -> None:
    with machine.person(authenticator="held") as person:
        assert [person.event(), person.event()] == [["show", "registered"]] * 2
        person.wait_for("agent", ACTION)
        person.cancel()
        assert person.event() == ["agent", "taken back"]
        assert person.event() == ["show", "the connection ends"]


@pytest.mark.parametrize("how", ["cancelled", "denied"])
def test_cancelled_or_late_it_ends_the_helper(machine: Machine, how: str) -> None:
    seconds = 30.0 if how == "cancelled" else 1.0
    with machine.person(authenticator="polkit", seconds=seconds) as person:
        person.wait_for("secret", QUESTION)
        assert helpers(machine)
        if how == "cancelled":
            person.cancel()
        assert person.ending().outcome == how
        wait_until(lambda: not helpers(machine))
    # Unregistered as well: the next one registers without a complaint.
    assert polkit(machine, answers=[PASSWORD]).outcome == "approved"


def test_without_the_policy_it_says_what_to_do(changed: Machine) -> None:
    changed.start_polkit("")
    assert reason(changed) == "its policy is not installed (keyturn system-auth install)"
    assert polkit(changed, answers=[PASSWORD]).outcome == "unusable"


def test_a_bus_that_can_start_polkit_starts_it() -> None:
    with Machine() as machine:
        machine.write(str(polkit_policy.FILE), OWNED)
        machine.start_bus()
        assert reason(machine) == ""


def test_without_polkit_it_says_so() -> None:
    with Machine() as machine:
        machine.path(SERVICE).unlink()
        machine.start_bus()
        assert reason(machine) == "polkit is not running"
        done = polkit(machine, answers=[PASSWORD])
    assert (done.outcome, done.log) == ("unusable", []), done


def test_without_a_bus_it_says_so() -> None:
    with Machine() as machine:
        assert reason(machine) == "polkit is not running: there is no system bus"
        assert polkit(machine, answers=[PASSWORD]).outcome == "unusable"


def test_a_bus_that_ends_in_the_middle_is_no_yes_and_no_hang() -> None:
    with Machine() as machine:
        bus = machine.start_bus()
        machine.start_polkit(OWNED)
        with machine.person(authenticator="polkit", answers=[]) as person:
            person.wait_for("secret", QUESTION)
            machine.stop(bus)
            assert person.ending().outcome == "unusable"
            wait_until(lambda: not helpers(machine))


@pytest.mark.parametrize(
    ("rule", "message"), [("yes", "says yes without asking anybody"), ("no", "do not allow this way")]
)
def test_rules_that_ask_nobody_approve_nothing(changed: Machine, rule: str, message: str) -> None:
    changed.start_polkit(OWNED.replace("auth_self", rule))
    done = polkit(changed, answers=[PASSWORD], agent=PASSWORD)
    assert (done.outcome, message in done.message) == ("unusable", True), done
    assert not done.log, "nobody was bothered"


def test_a_yes_that_polkit_has_kept_is_none(changed: Machine) -> None:
    changed.start_polkit(OWNED.replace("auth_self", "auth_self_keep"))
    assert polkit(changed, answers=[PASSWORD]).outcome == "approved"
    done = polkit(changed, answers=[PASSWORD, PASSWORD], times=2)
    assert (done.outcome, len(done.questions)) == ("unusable", 1), done
    assert "without asking anybody" in done.message


def test_an_administrators_password_is_asked_for_by_name(changed: Machine) -> None:
    changed.add_user("ktadmin", "admin EXAMPLE password")
    changed.run("usermod", "-aG", "sudo", "ktadmin")
    changed.start_polkit(OWNED.replace("auth_self", "auth_admin"))
    done = polkit(changed, answers=["admin EXAMPLE password"])
    assert (done.outcome, done.questions) == ("approved", [["secret", "login password of ktadmin: ", ""]])
    changed.run("usermod", "-aG", "sudo", USER)
    done = polkit(changed, answers=[PASSWORD])
    assert (done.outcome, done.questions) == ("approved", [["secret", QUESTION, ""]]), (
        "one's own, if it will do"
    )
    changed.run("gpasswd", "-d", USER, "sudo")


def test_roots_yes_is_no_approval(machine: Machine) -> None:
    assert reason(machine, "root") == "polkit's yes for root is no approval"
    assert polkit(machine, "root", answers=[PASSWORD]).outcome == "unusable"


def test_a_bus_that_a_variable_names_is_not_looked_at(machine: Machine) -> None:
    done = polkit(machine, answers=[PASSWORD], variables={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})
    assert done.outcome == "approved", done


@pytest.mark.soak
def test_a_polkit_that_hangs_is_given_up(changed: Machine) -> None:
    process = changed.start_polkit(OWNED)
    # The pid is nsenter's, which became polkitd.
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert reason(changed) == "polkit does not answer"
        assert polkit(changed, answers=[PASSWORD]).outcome == "unusable"
    finally:
        os.kill(process.pid, signal.SIGCONT)
