"""Two who write at once: two machines at one disk, and a program that knows nothing of our lock."""

import os
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keyturn.ground import settings
from keyturn.scopes import defaults
from keyturn.scopes.defaults import DefaultsFile
from keyturn.shells import plugins_sh
from keyturn.vaults.age.opening import Opening
from tests.faults import tracer
from tests.faults.operations import COMMAND, OPERATIONS, Scene, make_scene
from tests.faults.saving import files_left
from tests.faults.stage import Stage
from tests.faults.tracer import Fault
from tests.parts import needs
from tests.programs.user import User
from tests.vaults.changes import outcome
from tests.vaults.templates import make_item, make_machine


def replace_as_git_does(path: Path, content: bytes) -> None:
    """Without a lock: unlinked, and written anew in place."""
    path.unlink()
    path.write_bytes(content)


# A program without our lock that writes between our last look and the rename is overwritten: the window is
# that one call. Its version can be had from where it keeps its own (git, a synchroniser).
KNOWN_WINDOW = 1


@pytest.mark.timeout(100)
@pytest.mark.parametrize(("name", "stride"), [("item edit", 1), ("item create", 3), ("account rename", 2)])
def test_what_a_foreign_program_puts_back_at_any_call_is_not_overwritten(
    tmp_path: Path, name: str, stride: int
) -> None:
    """An older version of the file is put back, as by a checkout, while we save."""
    tracer.needs_tracing()
    stage = Stage(tmp_path, OPERATIONS[name])
    scene = stage.scene
    path = scene.directory / ("account.age" if name == "account rename" else f"vaults/{scene.vault}.age")
    kept = scene.directory / "versions"
    stem = "account" if name == "account rename" else scene.vault
    theirs = sorted(kept.glob(f"{stem}.*.age"))[0].read_bytes()
    at, lost, refused = 0, 0, 0
    while True:
        stage.put_up()
        assert path.read_bytes() != theirs
        ending = tracer.run(stage.begin, Fault(at, meddle=lambda: replace_as_git_does(path, theirs)))
        if not ending.was_hit:
            break
        if path.read_bytes() != theirs:
            assert ending.call == "rename", f"overwritten at call {at}, {ending.call}"
            lost += 1
        elif ending.report != "done":
            assert ending.report.split("\n")[1] in ("conflict", "rolled-back", "damaged", "missing"), ending
            refused += 1
        at += stride
    assert lost <= KNOWN_WINDOW
    assert refused > 2, "it was in time for nothing"


@pytest.mark.timeout(60)
def test_git_takes_an_account_back_and_forth_and_each_time_it_is_said(tmp_path: Path) -> None:
    git = needs("git")
    scene = make_scene(tmp_path / "scene")

    def run(*words: str) -> None:
        environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
        command = [git, "-C", str(scene.directory), "-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run([*command, *words], check=True, capture_output=True, env=environment)

    run("init", "--initial-branch=main")
    run("add", "-A")
    run("commit", "-m", "before")
    account = scene.account()
    account.create(scene.vault, make_item("after"))
    run("add", "-A")
    run("commit", "-m", "after")
    run("checkout", "HEAD~1")
    content = (scene.directory / f"vaults/{scene.vault}.age").read_bytes()
    report = tracer.run(lambda: lambda: account.create(scene.vault, make_item("x")), Fault(10**9)).report
    assert report.split("\n")[1] == "rolled-back"
    assert (scene.directory / f"vaults/{scene.vault}.age").read_bytes() == content

    # Another machine goes on from there: a fork, for this one saw what came after.
    run("checkout", "-b", "other")
    other = Opening.with_recovery_code(scene.directory, scene.code).account(make_machine(tmp_path / "there"))
    for number in range(3):
        other.create(scene.vault, make_item(f"there {number}"))
    content = (scene.directory / f"vaults/{scene.vault}.age").read_bytes()
    report = tracer.run(lambda: lambda: account.create(scene.vault, make_item("x")), Fault(10**9)).report
    assert report.split("\n")[1] == "forked"
    assert (scene.directory / f"vaults/{scene.vault}.age").read_bytes() == content
    run("add", "-A")
    run("commit", "-m", "there")
    run("checkout", "main")
    assert "after" in [summary.title for summary, _ in account.items(scene.vault)]
    account.create(scene.vault, make_item("again"))


@pytest.mark.timeout(90)
@pytest.mark.parametrize("turns", [4, pytest.param(40, marks=pytest.mark.soak)])
def test_two_keepers_at_one_account_lose_nothing(turns: int) -> None:
    with User() as one, User() as two:
        made = one.account(recovery=True)
        assert made.recovery_code is not None
        two.keyturn("account", "add", str(made.directory), "--title", "Test").succeeds()

        def work(user: User, name: str) -> list[str]:
            password = user.password_file()
            for number in range(turns):
                created = user.keyturn(
                    "item",
                    "create",
                    "--title",
                    f"{name} {number}",
                    "note[text]=x",
                    "--password-file",
                    password,
                )
                created.succeeds()
            return [f"{name} {number}" for number in range(turns)]

        with ThreadPoolExecutor(2) as pool:
            expected = [title for titles in pool.map(work, (one, two), "ab") for title in titles]
        assert sorted(summary.title for summary, _ in made.recover().items()) == sorted(expected)
        for user in (one, two):
            listed = user.keyturn("item", "list", "--password-file", user.password_file()).succeeds().output
            assert all(title in listed for title in expected)


def _in_children(work: list[object], turns: int) -> None:
    children = []
    for index, each in enumerate(work):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for turn in range(turns):
                    assert callable(each)
                    each(index, turn)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(work)


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_all_files_of_a_configuration_written_at_once_lose_nothing(tmp_path: Path) -> None:
    """They share a directory: no writer may take the temporary file of another for a dead one's."""
    scene = make_scene(tmp_path / "scene")
    turns = 60

    def set_default(index: int, turn: int) -> None:
        name = f"tool-{index}-{turn}"
        DefaultsFile(scene.config("defaults.json")).change(
            lambda was: defaults.with_default(was, name, scene.reference)
        )

    def add_wrapper(index: int, turn: int) -> None:
        plugins_sh.update(scene.config("plugins.sh"), [f"tool-{index}-{turn}"], COMMAND)

    keys = ["approval.idle_minutes", "prompt.timeout_seconds", "lock.idle_hours", "vault.versions_kept"]

    def set_setting(index: int, turn: int) -> None:
        settings.change(scene.config("settings.toml"), keys[index % 4], str(5 + turn))

    _in_children([set_default, set_default, add_wrapper, add_wrapper, *[set_setting] * 4], turns)
    assert len(DefaultsFile(scene.config("defaults.json")).read().everywhere) == 1 + 2 * turns
    assert len(plugins_sh.wrapped(scene.config("plugins.sh"))) == 1 + 2 * turns
    found = settings.load(scene.config("settings.toml"))
    last = 5 + turns - 1
    assert [settings.get(found, key) for key in keys] == [last] * 4
    assert files_left(scene.place) == []


def _copy(scene: Scene, place: Path) -> Path:
    return Path(shutil.copytree(scene.directory, place))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seed", range(3))
def test_a_synchroniser_between_machines_makes_forks_that_are_named(tmp_path: Path, seed: int) -> None:
    """Each machine has a copy; files are carried over at random moments, whole, as synchronisers do.

    What a machine may then save must descend from all that it ever saw.
    """
    scene = make_scene(tmp_path / "scene")
    chance, names = random.Random(seed), ("a", "b")
    places = {name: _copy(scene, tmp_path / name) for name in names}
    accounts = {
        name: Opening.with_recovery_code(place, scene.code).account(make_machine(tmp_path / f"state {name}"))
        for name, place in places.items()
    }
    file = f"vaults/{scene.vault}.age"
    seen: dict[str, set[str]] = {name: set() for name in names}
    outcomes: set[str] = set()
    for turn in range(60):
        name = chance.choice(names)
        if chance.random() < 0.3:
            source, target = chance.sample(names, 2)
            (places[target] / file).write_bytes((places[source] / file).read_bytes())
            continue
        before = (places[name] / file).read_bytes()
        code = outcome(accounts[name].create, scene.vault, make_item(f"{name} {turn}"))
        outcomes.add(code)
        if code != "opens":
            assert code in ("forked", "rolled-back")
            assert (places[name] / file).read_bytes() == before, "refused, and written all the same"
        else:
            titles = {summary.title for summary, _ in accounts[name].items(scene.vault)}
            assert seen[name] <= titles, "something that this machine saw was lost in silence"
            seen[name] |= titles
    assert "opens" in outcomes
    assert outcomes & {"forked", "rolled-back"}
