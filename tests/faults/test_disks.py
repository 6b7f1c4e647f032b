"""Real disks that are full or become read-only: small ones in memory, mounted for the test."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.ground.errors import ConfigurationError, KeyturnError, StorageError
from keyturn.scopes.defaults import DefaultsFile
from tests.faults.operations import OPERATIONS
from tests.faults.stage import Stage
from tests.parts import absent, needs

PAGE = 4096
SIZE = 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of one megabyte."""
    needs("root")
    place = tmp_path / "disk"
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "keyturn-test", str(place)],
        capture_output=True,
        check=False,
    )
    if mount.returncode != 0:
        absent("the right to mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(params=list(OPERATIONS))
def stage(request: pytest.FixtureRequest, tmp_path: Path, disk: Path) -> Stage:
    return Stage(tmp_path, OPERATIONS[request.param], disk / "scene")


def fill(disk: Path, pages: int) -> Path:
    """Fill the disk but for so many pages; the file to be removed."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(PAGE)):
                pass
        except OSError as error:
            assert error.errno == 28  # noqa: PT017  # it is how the loop ends
        stream.truncate(filler.stat().st_size - pages * PAGE)
    return filler


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


@pytest.mark.timeout(60)
def test_on_a_full_disk_the_old_content_stays(stage: Stage, disk: Path) -> None:
    done = 0
    for pages in (0, 1, 2, 3, 5, 8, 13, 21, 34):
        stage.put_up()
        work = stage.begin()
        filler = fill(disk, pages)
        told: KeyturnError | None = None
        try:
            work()
            done += 1
        except (StorageError, ConfigurationError) as error:
            told = error
        # On the full disk it opens, whatever a change of identity left to do; with room that is done.
        assert stage.scene.account().items() != []
        filler.unlink()
        found = stage.found()
        if told is None:
            assert found == "new", f"{pages} pages: told success for what is not there"
        else:
            assert "no space left" in told.message
            assert any("free some space" in hint for hint in told.hints)
            assert found == "old" or "nothing was changed" not in told.hints
        stage.check_goes_on(found)
    assert 0 < done < 9, "it was full for some and not for all"


@pytest.mark.timeout(60)
def test_on_a_read_only_disk_everything_can_be_read(stage: Stage, disk: Path) -> None:
    work = stage.begin()
    remount(disk, "ro")
    with pytest.raises((StorageError, ConfigurationError), match="read-only") as caught:
        work()
    assert any("make it writable" in hint for hint in caught.value.hints)
    assert stage.operation.look(stage.scene) == stage.old
    assert stage.scene.account().items() != []
    assert DefaultsFile(stage.scene.config("defaults.json")).read().everywhere != {}
    remount(disk, "rw")
    stage.check_goes_on("old")
