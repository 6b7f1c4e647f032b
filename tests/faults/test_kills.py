"""Kills at random moments, of processes that save and of the agent's keeper.

`make soak` kills some thousand times, `make test` some dozen times.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from keyturn.ground.secret import Secret
from keyturn.items import FieldType, new_field, new_item
from tests.faults.operations import make_scene
from tests.faults.saving import PASSWORDS, SAVERS, Saver, files_left, may_be
from tests.programs import memory
from tests.programs.user import BIN, User
from tests.vaults import age_scrypt
from tests.vaults.templates import MOMENT


def kill_savers(place: Path, kind: str, kills: int) -> None:
    scene = make_scene(place)
    for password in PASSWORDS:
        age_scrypt.wrapped(password)
    seed = random.randrange(2**32)
    chance, told, longest = random.Random(seed), 0, 0.05 if kind != "passwords" else 0.15
    for turn in range(kills):
        saver = Saver(scene, kind, told + 1)
        time.sleep(chance.random() * longest)
        last = saver.kill()
        found = SAVERS[kind][1](scene) if last else told
        assert last == 0 or may_be(kind, found, last), f"seed {seed}, turn {turn}: told {last}, found {found}"
        told = last if found in (last, last % len(PASSWORDS)) else last + 1
        if not told:
            # A machine so busy that no save was done in the time: it is given more.
            longest = min(longest * 2, 3)
    assert told > 0, "nothing was saved"
    # The next save sweeps what the last kill left.
    SAVERS[kind][0](scene)(told + 1)
    assert files_left(scene.place) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", SAVERS)
def test_a_killed_saver_loses_nothing_that_it_reported(kind: str, tmp_path: Path) -> None:
    kill_savers(tmp_path / "scene", kind, 12)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", SAVERS)
def test_a_saver_killed_a_thousand_times_loses_nothing(kind: str, tmp_path: Path) -> None:
    # A change of password takes a dozen files and as many times as long.
    kill_savers(tmp_path / "scene", kind, 1000 if kind != "passwords" else 250)


def kill_keepers(user: User, kills: int) -> int:
    """How many edits were cut short."""
    item = new_item("target", [new_field("count", FieldType.TEXT, Secret("0"))], MOMENT)
    made = user.account(item, recovery=True)
    password = user.password_file()
    chance, reported, cut_short = random.Random(), 0, 0
    for number in range(1, kills + 1):
        command = [str(BIN / "keyturn"), "item", "edit", "target", f"count[text]={number}"]
        edit = subprocess.Popen(
            [*command, "--password-file", password],
            env=user.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(0.25 + chance.random() * 0.6)
        # The supervisor comes first; whatever the keeper has for a helper goes with it.
        for pid in memory.pids_with(str(user.runtime))[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, errors = edit.communicate(timeout=60)
        found = int(made.recover().get(item.id)[0].fields[0].value.reveal())
        assert found in (reported, number), f"edit {number} made {found} of {reported}"
        if edit.returncode == 0:
            assert found == number, f"edit {number} was told to be done, and {found} is there"
        else:
            assert errors.startswith(b"keyturn: "), errors
            assert b"Traceback" not in errors
            cut_short += 1
        reported = found
    user.keyturn("item", "edit", "target", "count[text]=done", "--password-file", password).succeeds()
    assert made.recover().get(item.id)[0].fields[0].value.reveal() == "done"
    assert files_left(made.directory) == []
    return cut_short


@pytest.mark.timeout(90)
def test_edits_whose_keeper_is_killed_are_done_or_said_not_to_be() -> None:
    with User() as user:
        kill_keepers(user, 4)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_edits_whose_keeper_is_killed_are_done_or_said_not_to_be() -> None:
    with User() as user:
        assert kill_keepers(user, 150) > 0, "no kill came in time to stop anything"
