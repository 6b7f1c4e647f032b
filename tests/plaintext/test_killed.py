"""Death and a failing disk at the system calls of a removal: the file stays whole, the credential is kept."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keyturn.agent.plaintext_copies import SealedCopies
from keyturn.catalogue import plaintext as catalogue
from keyturn.catalogue import scanning
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from keyturn.plaintext import backups, replacing
from keyturn.plaintext.entries import content_of
from keyturn.plaintext.formats import take_out
from tests.faults import tracer
from tests.faults.operations import Scene, make_scene
from tests.faults.tracer import Ending, Fault
from tests.vaults.templates import MOMENT

SECRET = "s3cr3t/EXAMPLE"
BEFORE = f"# mine\n[p]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = {SECRET}\n".encode()
AFTER = b"# mine\n[p]\n"
TOOLS = [tool for tool in catalogue.tools() if tool.name == "aws"]
FULL, READ_ONLY = errno.ENOSPC, errno.EROFS


@dataclass
class Play:
    """A scene with a file, put up anew for each run."""

    scene: Scene
    template: Path

    @property
    def home(self) -> Path:
        return self.scene.place / "home"

    @property
    def file(self) -> Path:
        return self.home / ".aws/credentials"

    def put_up(self) -> None:
        shutil.rmtree(self.scene.place)
        shutil.copytree(self.template, self.scene.place)

    def begin(self) -> Callable[[], object]:
        """What `plaintext remove` does, in its order, in one process."""
        account = self.scene.account()
        [found] = scanning.scan(TOOLS, {"HOME": str(self.home)}, [], "linux").found
        rest = content_of(take_out("ini", found.source.text, found.going))
        fields = [new_field(label, FieldType.CONCEALED, value) for label, value in found.fields.items()]
        item = new_item("AWS", fields, MOMENT)

        def work() -> None:
            replacing.check(found.source.path, found.source.status, os.geteuid())
            account.create(self.scene.vault, item)
            assert holds(account.read_back(item.id)[0])
            name = str(self.file)
            kept = backups.encoded(BEFORE)
            backup = backups.from_parts(name, name, MOMENT, 0o600, ["aws"], backups.digest(rest), kept)
            SealedCopies(account).keep(backup)
            replacing.replace(found.source.path, found.source.status, rest, os.geteuid())

        return work

    def check(self) -> str:
        """`before` or `after`; fails if the file is neither, or the credential in neither place."""
        account = self.scene.account()
        content = self.file.read_bytes()
        if content == BEFORE:
            return "before"
        assert content == AFTER, content
        items = [account.get(summary.id)[0] for summary, _ in account.items()]
        assert [item for item in items if holds(item)], "it is in the vault"
        kept = [SealedCopies(account).read(name) for name in SealedCopies(account).ids()]
        assert [backup for backup in kept if backups.decoded(backup.content) == BEFORE], "and in a copy"
        return "after"

    def check_goes_on(self, found: str) -> None:
        if found == "before":
            self.begin()()
        assert self.check() == "after"
        assert not [path for path in self.scene.place.rglob("*") if path.name.endswith(".new")]


def holds(item: Item) -> bool:
    return any(field.value == Secret(SECRET) for field in item.fields)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    tracer.needs_tracing()
    found = Play(make_scene(tmp_path / "scene"), tmp_path / "template")
    found.file.parent.mkdir(parents=True)
    found.file.write_bytes(BEFORE)
    found.file.chmod(0o600)
    shutil.copytree(found.scene.place, found.template)
    # Once without a fault, here: it imports what is imported late.
    found.begin()()
    assert found.check() == "after"
    return found


def runs(
    play: Play, start: int, stride: int, error: int | None = None, lasting: bool = False
) -> Iterator[Ending]:
    at = start
    while True:
        play.put_up()
        ending = tracer.run(play.begin, Fault(at, error, lasting))
        if not ending.was_hit:
            assert ending.report == "done", ending
            assert at > start + 20, "no call was met"
            return
        yield ending
        at += stride


def check_deaths(play: Play, start: int, stride: int) -> set[str]:
    seen = set()
    for ending in runs(play, start, stride):
        try:
            found = play.check()
            seen.add(found)
            assert not (ending.report == "done" and found == "before"), "told success for what is not there"
            play.check_goes_on(found)
        except Exception as error:
            error.add_note(f"killed at call {ending.calls}, {ending.call}")
            raise
    return seen


@pytest.mark.timeout(60)
def test_killed_at_a_call(play: Play) -> None:
    check_deaths(play, 1, 6)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_killed_at_every_call(play: Play) -> None:
    assert check_deaths(play, 0, 1) == {"before", "after"}


def check_disk(play: Play, error: int, lasting: bool, start: int, stride: int) -> None:
    for ending in runs(play, start, stride, error, lasting):
        found = play.check()
        kind, *rest = ending.report.split("\n")
        if kind == "done":
            assert found == "after", ending
        elif replacing.UNCHANGED in rest:
            assert found == "before", ending
        assert kind == "done" or rest[0] in ("storage", "configuration"), ending
        play.check_goes_on(found)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("error", [FULL, READ_ONLY])
def test_a_disk_that_fails_at_a_call(play: Play, error: int) -> None:
    check_disk(play, error, True, 1, 10)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("error", [FULL, READ_ONLY, errno.EIO])
@pytest.mark.parametrize("lasting", [True, False])
def test_a_disk_that_fails_at_every_call(play: Play, error: int, lasting: bool) -> None:
    check_disk(play, error, lasting, 0, 1)
