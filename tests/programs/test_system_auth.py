"""`keyturn system-auth`, as root and as an ordinary user, on a machine of its own with a real polkit."""

import json
from collections.abc import Iterator

import pytest

from keyturn.auth import pam, polkit_policy
from keyturn.ground.errors import Status
from tests.auth.machine import UNIX, USER, Machine
from tests.programs.user import Result, User

POLICY, SERVICE = str(polkit_policy.FILE), str(pam.FILE)


@pytest.fixture(scope="module")
def shared() -> Iterator[Machine]:
    with Machine() as found:
        found.start_bus()
        found.start_polkit("")
        yield found


@pytest.fixture
def machine(shared: Machine) -> Machine:
    """A machine with polkit, on which nothing of ours is installed."""
    for file in (POLICY, SERVICE):
        shared.path(file).unlink(missing_ok=True)
    return shared


@pytest.fixture
def person(machine: Machine) -> Iterator[User]:
    """An ordinary user of that machine."""
    with User() as user:
        machine.adopt(user)
        yield user


@pytest.fixture
def root(machine: Machine) -> Iterator[User]:
    with User() as user:
        user.prefix = machine.enter(user.home)
        yield user


def usable(person: User) -> dict[str, bool]:
    told = json.loads(person.keyturn("system-auth", "status", "--format", "json").succeeds().output)
    assert told["version"] == 1
    assert all(bool(each["reason"]) is not each["available"] for each in told["authenticators"])
    return {each["name"]: each["available"] for each in told["authenticators"]}


def test_root_installs_it_and_takes_it_away(machine: Machine, root: User, person: User) -> None:
    assert usable(person) == {"touch-id": False, "polkit": False, "pam": False, "password": True}
    root.keyturn("system-auth", "install", "--user", USER).succeeds()
    found = machine.path(POLICY).stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, 0, 0o644)
    assert machine.path(POLICY).read_text() == polkit_policy.content([USER])
    root.keyturn("system-auth", "install", "--pam").succeeds()
    assert machine.path(SERVICE).stat().st_mode & 0o7777 == 0o644
    # polkit watches its directory, and takes a second over it.
    machine.start_polkit(machine.path(POLICY).read_text())
    assert usable(person) == {"touch-id": False, "polkit": True, "pam": True, "password": True}
    assert "io.github.keyturn.approve.policy is removed" in root.keyturn("system-auth", "remove").errors
    assert not machine.path(POLICY).exists()
    assert not machine.path(SERVICE).exists()
    done = root.keyturn("system-auth", "remove").succeeds()
    assert done.errors == "keyturn: nothing of Keyturn's is installed\n"


def test_the_order_is_the_settings(person: User) -> None:
    person.keyturn("settings", "set", "authentication.order", '["password", "pam"]').succeeds()
    person.keyturn("settings", "set", "authentication.pam_service", "kt-none").succeeds()
    lines = person.keyturn("system-auth", "status").succeeds().output.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["password", "yes"], ["pam", "no"]]
    assert "there is no service “kt-none”" in lines[2]


def test_a_second_user_joins_the_first(machine: Machine, root: User) -> None:
    machine.add_user("ktsecond", "x")
    for user in (USER, "ktsecond", USER):
        root.keyturn("system-auth", "install", "--user", user).succeeds()
    assert polkit_policy.owners(machine.path(POLICY).read_text()) == [USER, "ktsecond"]


def test_under_sudo_it_is_for_who_called_that(machine: Machine, root: User) -> None:
    root.keyturn("system-auth", "install", variables={"SUDO_USER": USER}).succeeds()
    assert polkit_policy.owners(machine.path(POLICY).read_text()) == [USER]


def refused(done: Result) -> str:
    """The command that an ordinary user is told, after the file itself."""
    assert done.status == Status.FAILED, done.errors
    first, why, command = done.errors.splitlines()
    assert first.startswith("keyturn: only root can write ")
    assert "gives nobody a right" in why
    return command.removeprefix("  hint: put it there: ")


@pytest.mark.parametrize("arguments", [(), ("--pam",)])
def test_without_root_it_shows_the_file_and_the_command(
    machine: Machine, person: User, arguments: tuple[str, ...]
) -> None:
    path = machine.path(SERVICE if arguments else POLICY)
    shown = person.keyturn("system-auth", "install", *arguments)
    command = refused(shown)
    assert not path.exists()
    ours, theirs = command.split(" | sudo ")
    printed = person.sh(ours).succeeds()
    assert printed.output == shown.output
    assert not printed.errors
    # What root would run is the system's own install(1), and nothing that this user could have changed.
    machine.run(*theirs.split(), stdin=printed.output)
    assert path.read_text() == shown.output
    assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (0, 0o644)


def test_without_root_nothing_is_removed(machine: Machine, root: User, person: User) -> None:
    root.keyturn("system-auth", "install", "--user", USER).succeeds()
    person.keyturn("system-auth", "remove").fails(Status.FAILED, "only root can remove")
    assert machine.path(POLICY).exists()


def test_a_service_that_somebody_else_wrote_stays(machine: Machine, root: User) -> None:
    machine.write(SERVICE, UNIX)
    root.keyturn("system-auth", "install", "--pam").fails(Status.CONFIGURATION, "nothing was changed")
    root.keyturn("system-auth", "remove").succeeds()
    assert machine.path(SERVICE).read_text() == UNIX


def test_what_cannot_be_installed_says_so(machine: Machine, root: User) -> None:
    install = ("system-auth", "install")
    root.keyturn(*install, "--user", "nobody-here").fails(Status.USAGE, "there is no user 'nobody-here'")
    for place, more, line in (
        (str(polkit_policy.DIRECTORY), (), "polkit is not installed"),
        ("/etc/pam.d", ("--pam",), "no PAM stack"),
    ):
        machine.run("mv", place, f"{place}.gone")
        root.keyturn(*install, *more).fails(Status.CONFIGURATION, line)
        machine.run("mv", f"{place}.gone", place)
