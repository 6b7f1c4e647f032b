"""Other users of the machine: they cannot connect, read or plant.

The parents of Keyturn's directories are open to everybody here, so that its own are what holds.
"""

import functools
import os
import socket
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keyturn.ground import paths
from tests.parts import absent, needs
from tests.programs.user import User

pytestmark = pytest.mark.needs("root")

STRANGER = 65534
SEVERAL = (
    ("item", "list"),
    ("signin", "--password-file", "password"),
    ("plugin", "run", "--", "aws", "s3", "ls"),
)


@pytest.fixture
def open_user() -> Iterator[User]:
    """A user whose home and whose runtime directory's parent anybody can enter and write to."""
    with User() as user:
        user.home.chmod(0o777)
        parent = user.home / "shm"
        parent.mkdir()
        parent.chmod(0o1777)
        user.variables["KEYTURN_RUNTIME_DIR"] = str(parent / "keyturn")
        user.password_file()
        probe = user.home / "bin/aws"
        probe.parent.mkdir()
        probe.write_text("#!/bin/sh\necho ran\n")
        probe.chmod(0o755)
        user.path.insert(0, str(probe.parent))
        yield user


def stranger(work: Callable[[], object]) -> str:
    """What `work` gives when another user does it; of an error its name.

    In a fork and not by a program, for others may not be able to run this interpreter.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            said = str(work())
        except OSError as error:
            said = type(error).__name__
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        said = stream.read().decode()
    assert os.waitpid(child, 0)[1] == 0
    return said


def connected(path: Path) -> bytes:
    """What the server at `path` says to somebody who says nothing."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(str(path))
        stream.settimeout(5)
        return stream.recv(1)


def plugin_init(user: User) -> None:
    user.aws_files(
        "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + "x" * 40 + "\n"
    )
    init = (
        "plugin",
        "init",
        "aws",
        "--import-profile",
        "default",
        "--no-input",
        "--password-file",
        "password",
    )
    user.keyturn(*init).succeeds()


def directories(user: User) -> paths.Directories:
    return paths.resolve(user.environment, os.getuid())


def test_others_reach_nothing(open_user: User) -> None:
    user = open_user
    user.account()
    plugin_init(user)
    places = directories(user)
    assert stranger(lambda: os.listdir(user.home)).startswith("["), "the home itself is open"
    assert stranger(lambda: connected(places.socket)) == "PermissionError"
    # Not even with the directory open: the socket is closed by itself.
    places.runtime.chmod(0o755)
    assert stranger(lambda: connected(places.socket)) == "PermissionError"
    # And if the socket were open: who connects is another user, and hears nothing.
    places.socket.chmod(0o777)
    assert stranger(lambda: connected(places.socket)) in ("b''", "ConnectionResetError")
    places.socket.chmod(0o600)
    places.runtime.chmod(0o700)
    every = (places.config, places.data, places.state, places.runtime, user.home / "accounts/Test")
    for directory in every:
        assert stranger(functools.partial(os.listdir, directory)) == "PermissionError", directory
        for name in ("plugins.sh", "launcher", "agent.log", "x"):
            plant = functools.partial(os.open, directory / name, os.O_WRONLY | os.O_CREAT)
            assert stranger(plant) == "PermissionError", directory / name
        for path in directory.rglob("*"):
            assert stranger(functools.partial(os.open, path, os.O_RDONLY)) == "PermissionError", path
            # Closed by themselves, whatever becomes of the directory; a launcher's files hold no secret.
            assert not path.lstat().st_mode & 0o077 or "launcher" in path.name, path
    user.keyturn("item", "list", "--password-file", "password").succeeds()


def plant_directory(path: Path) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, STRANGER, STRANGER)


def plant_open_directory(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)
    os.chown(path, STRANGER, STRANGER)


def plant_link_to_own(path: Path) -> None:
    target = path.parent / "theirs"
    target.mkdir(mode=0o777)
    os.chown(target, STRANGER, STRANGER)
    path.symlink_to(target)
    os.chown(path, STRANGER, STRANGER, follow_symlinks=False)


def plant_link_to_ours(path: Path) -> None:
    """A link of theirs to a private directory of ours: it would be theirs to turn elsewhere later."""
    target = path.parent.parent / "ours"
    target.mkdir(mode=0o700)
    path.symlink_to(target)
    os.chown(path, STRANGER, STRANGER, follow_symlinks=False)


def plant_file(path: Path) -> None:
    path.write_text("")
    os.chown(path, STRANGER, STRANGER)


PLANTS = [plant_directory, plant_open_directory, plant_link_to_own, plant_link_to_ours, plant_file]


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("which", ["KEYTURN_RUNTIME_DIR", "KEYTURN_CONFIG_DIR", "KEYTURN_STATE_DIR"])
def test_a_planted_directory_is_refused(open_user: User, plant: object, which: str) -> None:
    assert callable(plant)
    user = open_user
    place = user.home / "shm/planted"
    plant(place)
    user.variables[which] = str(place)
    for words in SEVERAL[:2]:
        done = user.keyturn(*words)
        assert done.status == 198, (words, done.status, done.errors)
        assert "is not a private directory" in done.errors or "not a directory" in done.errors
    left = {path for each in (place, user.home / "shm/theirs", user.home / "ours") for path in each.glob("*")}
    assert not left, "nothing of ours was written there"


IN_MEMORY = f"""
set -e
mount -t tmpfs -o mode=1777 keyturn-test /dev/shm || exit 77
[ ! -d /run/user ] || mount -t tmpfs keyturn-test /run/user
mkdir -m 777 /dev/shm/keyturn-0
chown {STRANGER} /dev/shm/keyturn-0
keyturn account list 2>&1 && exit 1
ls -A /dev/shm/keyturn-0
rmdir /dev/shm/keyturn-0
keyturn account list
stat -c %u-%a /dev/shm/keyturn-0
keyturn agent stop
"""


def test_the_directory_in_memory_that_somebody_made_first(open_user: User) -> None:
    """Without any runtime directory it is one in /dev/shm, where anybody can make it before us."""
    user = open_user
    del user.variables["KEYTURN_RUNTIME_DIR"]
    user.variables["XDG_RUNTIME_DIR"] = "/nowhere"
    done = user.run(needs("unshare"), "--mount", "/bin/sh", "-c", IN_MEMORY)
    if done.status == 77:
        absent("the right to mount a tmpfs")
    done.succeeds()
    first, hint, *rest = done.output.splitlines()
    assert first == "keyturn: /dev/shm/keyturn-0 is not a private directory of yours"
    assert hint.startswith("  hint: ")
    assert rest[-1] == "0-700", "nothing was left in theirs; ours is closed"


@pytest.mark.parametrize("name", ["agent_lock", "agent_log"])
def test_a_link_in_the_place_of_a_file_is_not_followed(open_user: User, name: str) -> None:
    user = open_user
    places = directories(user)
    user.keyturn("account", "list").succeeds()
    user.keyturn("agent", "stop").succeeds()
    victim = user.home / "victim"
    victim.write_text("mine")
    path: Path = getattr(places, name)
    path.unlink()
    path.symlink_to(victim)
    assert user.keyturn("account", "list").status in (194, 198)
    assert victim.read_text() == "mine"
    path.unlink()
    user.keyturn("account", "list").succeeds()


def test_a_link_in_the_place_of_a_lock_of_the_configuration_is_not_followed(open_user: User) -> None:
    user = open_user
    places = directories(user)
    user.keyturn("account", "list").succeeds()
    victim = user.home / "victim"
    for file in (places.settings, places.accounts, places.defaults):
        (places.config / f".{file.stem}.lock").unlink(missing_ok=True)
        (places.config / f".{file.stem}.lock").symlink_to(victim)
    done = user.keyturn("settings", "set", "lock.idle_hours", "1")
    assert done.status == 198, done.errors
    assert not victim.exists()
    assert not places.settings.exists()
