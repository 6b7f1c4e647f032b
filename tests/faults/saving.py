"""Savers that run until they are killed, and what must be there afterwards.

Each saves 1, 2, 3, … in its own way, and reports a number only after the call that saved it has returned.
"""

import os
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import msgspec

from keyturn.ground import settings
from keyturn.ground.secret import Secret
from keyturn.items import ItemReference
from keyturn.scopes import defaults
from keyturn.scopes.defaults import DefaultsFile
from keyturn.shells import plugins_sh
from keyturn.vaults.age import rotation
from tests.faults.operations import COMMAND, Scene, opens
from tests.vaults import age_scrypt
from tests.vaults.templates import PASSWORD

Save = Callable[[int], object]
PASSWORDS = [PASSWORD, *(f"password {number} EXAMPLE" for number in range(1, 4))]


def saver_of_items(scene: Scene) -> Save:
    account = scene.account()

    def save(number: int) -> None:
        item, _ = account.get(scene.item)
        first = msgspec.structs.replace(item.fields[0], value=Secret(str(number)))
        account.edit(msgspec.structs.replace(item, fields=[first, *item.fields[1:]]))

    return save


def saver_of_titles(scene: Scene) -> Save:
    account = scene.account()
    return lambda number: account.rename(str(number))


def saver_of_passwords(scene: Scene) -> Save:
    account = scene.account()

    def save(number: int) -> None:
        slot = next(slot.id for slot in account.slots() if slot.title == "password")
        rotation.change_password(account, slot, age_scrypt.wrapped(PASSWORDS[number % len(PASSWORDS)]))

    return save


def saver_of_defaults(scene: Scene) -> Save:
    file = DefaultsFile(scene.config("defaults.json"))

    def save(number: int) -> None:
        reference = ItemReference("a" * 26, "b" * 26, "c" * 26, str(number))
        file.change(lambda was: defaults.with_default(was, "aws", reference))

    return save


def saver_of_settings(scene: Scene) -> Save:
    path = scene.config("settings.toml")
    return lambda number: settings.change(path, "executables.trusted_directories", f'["{number}"]')


def saver_of_wrappers(scene: Scene) -> Save:
    path = scene.config("plugins.sh")
    return lambda number: plugins_sh.update(path, ["aws"], [*COMMAND, str(number)])


def saved_item(scene: Scene) -> int:
    return int(scene.account().get(scene.item)[0].fields[0].value.reveal())


def saved_title(scene: Scene) -> int:
    return int(scene.account().title)


def saved_password(scene: Scene) -> int:
    """The number of the one password that opens, which stands for itself plus any multiple of them all."""
    scene.account()
    [found] = [number for number, password in enumerate(PASSWORDS) if opens(scene, password)]
    return found


def saved_default(scene: Scene) -> int:
    return int(DefaultsFile(scene.config("defaults.json")).read().everywhere["aws"].title)


def saved_setting(scene: Scene) -> int:
    return int(settings.load(scene.config("settings.toml")).executables.trusted_directories[0])


def saved_wrapper(scene: Scene) -> int:
    lines = scene.config("plugins.sh").read_text().splitlines()
    [words] = [each for each in lines if each.endswith(" aws $argv") and COMMAND[0] in each]
    return int(words.split()[-3].strip("'"))


SAVERS: dict[str, tuple[Callable[[Scene], Save], Callable[[Scene], int]]] = {
    "items": (saver_of_items, saved_item),
    "titles": (saver_of_titles, saved_title),
    "passwords": (saver_of_passwords, saved_password),
    "defaults": (saver_of_defaults, saved_default),
    "settings": (saver_of_settings, saved_setting),
    "wrappers": (saver_of_wrappers, saved_wrapper),
}


class Saver:
    """A child process that saves numbers from `first` on until `kill`."""

    def __init__(self, scene: Scene, kind: str, first: int) -> None:
        self._reading, writing = os.pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns of forking beside threads; the child runs on alone and ends by a kill.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = os.fork()
        if self._child == 0:
            _save_on(scene, kind, first, writing)
        os.close(writing)
        self.last = first - 1
        # The first number says that it is under way.
        self._buffer = os.read(self._reading, 100)

    def kill(self) -> int:
        """The last number that was reported as saved. Fails if the saver ended by itself."""
        os.kill(self._child, signal.SIGKILL)
        _, status = os.waitpid(self._child, 0)
        with open(self._reading, "rb") as stream:
            told = (self._buffer + stream.read()).decode()
        assert os.WIFSIGNALED(status), f"the saver ended by itself: {told}"
        assert os.WTERMSIG(status) == signal.SIGKILL, told
        numbers = [int(line) for line in told.splitlines()]
        return numbers[-1]


def _save_on(scene: Scene, kind: str, first: int, report: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(60)
    try:
        save, number = SAVERS[kind][0](scene), first
        os.write(report, b"%d\n" % (first - 1))
        while True:
            save(number)
            os.write(report, b"%d\n" % number)
            number += 1
    except BaseException as error:  # noqa: BLE001  # the parent fails on it
        os.write(report, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(1)


def may_be(kind: str, found: int, told: int) -> bool:
    """Whether `found` is what was reported last, or what was being saved then."""
    expected = (told, told + 1)
    if kind == "passwords":
        expected = (told % len(PASSWORDS), (told + 1) % len(PASSWORDS))
    return found in expected


def files_left(place: Path) -> list[Path]:
    return [path for path in place.rglob(".*") if path.name.endswith(".new")]


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
