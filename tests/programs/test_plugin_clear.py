"""`keyturn plugin clear`: one layer a call, or all; locked, without an agent, and after the item is gone."""

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from keyturn.ground.errors import Status
from keyturn.items import ItemReference
from keyturn.scopes import defaults, places
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.scopes.sessions import SessionDefaults
from tests.programs.memory import pids_with
from tests.programs.user import Terminal, User
from tests.vaults.templates import make_item

TITLES = ("Session EXAMPLE", "Project EXAMPLE", "Home EXAMPLE", "Global EXAMPLE")
PROJECT = "projects/awesomeProject"
SESSION, INIT = "Session EXAMPLE", "keyturn plugin init aws --no-input"

CLEARED = [
    "cleared the default of this terminal session: “Session EXAMPLE”",
    "cleared the default of ~/projects/awesomeProject and below: “Project EXAMPLE”",
    "cleared the default of ~ and below: “Home EXAMPLE”",
    "cleared the global default: “Global EXAMPLE”",
]


def arrange(user: User) -> dict[str, ItemReference]:
    """An account with four items; defaults for $HOME, the project and everywhere. The references by title."""
    items = [make_item(title) for title in TITLES]
    made = user.account(*items)
    found = {item.title: ItemReference(made.account.id, made.vault.id, item.id, item.title) for item in items}
    (user.home / PROJECT).mkdir(parents=True)
    change_defaults(
        user,
        lambda known: defaults.with_default(known, "aws", found["Global EXAMPLE"]),
        in_directory(user, "", found["Home EXAMPLE"]),
        in_directory(user, PROJECT, found["Project EXAMPLE"]),
        lambda known: defaults.with_vault_title(known, made.vault.id, made.vault.name),
    )
    return found


def change_defaults(user: User, *changes: Callable[[Defaults], Defaults]) -> None:
    for change in changes:
        DefaultsFile(user.config / "defaults.json").change(change)


def in_directory(
    user: User, below: str, item: ItemReference, executable: str = "aws"
) -> Callable[[Defaults], Defaults]:
    """The change that makes an item the default of a directory in the user's home."""
    place = places.written(places.resolved(str(user.home / below)))
    return lambda known: defaults.with_directory_default(known, place, executable, item)


def in_project(user: User) -> Terminal:
    """A terminal in the project, with a default of its own."""
    terminal = user.terminal()
    terminal.run(f"cd {PROJECT}")
    line = f"{INIT} --item '{SESSION}' --scope session --password-file {user.password_file()}"
    printed, status = terminal.run(line)
    assert (status, "aws uses it in this terminal session" in printed) == (0, True), printed
    return terminal


def used(terminal: Terminal) -> str | None:
    """The title of the item that `aws` would use in this terminal."""
    printed, _ = terminal.run("keyturn plugin inspect aws --format json")
    rows: list[dict[str, Any]] = json.loads(printed)["executables"][0]["defaults"]
    titles = [row["item"]["title"] for row in rows if row["used"]]
    assert len(titles) == bool(rows)
    return titles[0] if titles else None


def test_one_layer_a_call(user: User) -> None:
    """1Password's own example: terminal session, project, home, global."""
    arrange(user)
    terminal = in_project(user)
    printed = ""
    for title, line in zip(TITLES, CLEARED, strict=True):
        assert used(terminal) == title
        printed, status = terminal.run("keyturn plugin clear aws")
        assert (printed.splitlines()[0], status) == (line, 0)
    assert printed.splitlines()[1:] == ["aws has no default here now"]
    printed, status = terminal.run("keyturn plugin clear aws")
    assert printed.splitlines()[0] == "keyturn: no default of aws applies here"
    assert status == Status.NO_DEFAULT
    assert user.sh("keyturn plugin run -- aws sts get-caller-identity").status == Status.NO_DEFAULT


def test_all_at_once_named_before_it_asks(user: User) -> None:
    arrange(user)
    terminal = in_project(user)
    terminal.type("keyturn plugin clear aws --all")
    asked = terminal.expect(r"clear all 4\? \[y/N\] ")
    named = [line.strip() for line in asked.replace("\r", "").splitlines()[-4:]]
    assert [f"cleared {line}" for line in named] == CLEARED
    terminal.type("y")
    printed = terminal.ready().replace("\r\n", "\n")
    assert terminal.status() == 0
    assert all(line in printed for line in CLEARED), printed
    assert used(terminal) is None


@pytest.mark.parametrize("answer", ["", "Ctrl-C"])
def test_all_at_once_refused(user: User, answer: str) -> None:
    arrange(user)
    terminal = in_project(user)
    before = (user.config / "defaults.json").read_bytes()
    terminal.type("keyturn plugin clear aws --all")
    terminal.expect(r"clear all 4\? \[y/N\] ")
    if answer == "Ctrl-C":
        terminal.press("c")
    else:
        terminal.type(answer)
    printed = terminal.ready()
    assert terminal.status() == (Status.INTERRUPTED if answer == "Ctrl-C" else Status.DENIED)
    assert "cleared the" not in printed
    assert (user.config / "defaults.json").read_bytes() == before
    assert used(terminal) == SESSION


def test_all_at_once_without_anybody_to_ask(user: User) -> None:
    found = arrange(user)
    other = found["Home EXAMPLE"]
    change_defaults(
        user,
        lambda known: defaults.with_default(known, "cdk", other),
        in_directory(user, "", other, "cdk"),
        in_directory(user, "projects", found["Project EXAMPLE"], "cdk"),
    )
    before = (user.config / "defaults.json").read_bytes()
    user.keyturn("plugin", "clear", "aws", "--all").fails(Status.USAGE, "there is no terminal to ask on")
    terminal = user.terminal()
    printed, status = terminal.run("keyturn plugin clear aws --all --no-input")
    assert (status, "--no-input is given" in printed) == (Status.USAGE, True)
    assert (user.config / "defaults.json").read_bytes() == before
    done = user.keyturn("plugin", "clear", "aws", "--all", "--force").succeeds()
    assert done.errors.splitlines() == [*CLEARED[2:], "aws has no default here now"]
    left = DefaultsFile(user.config / "defaults.json").read()
    assert left.everywhere == {"cdk": other}, "another command's defaults stay"
    here, projects, project = (places.resolved(str(user.home / each)) for each in ("", "projects", PROJECT))
    wanted = {here: {"cdk"}, projects: {"cdk"}, project: {"aws"}}
    assert {place: items.keys() for place, items in left.directories.items()} == wanted


def test_a_terminals_other_defaults_stay(user: User) -> None:
    found = arrange(user)
    terminal = in_project(user)
    [place] = (user.runtime / "keyturn").glob("sessions-*")
    kept = SessionDefaults(place, os.getuid())
    [file] = kept.living()
    kept.change(file.owner, lambda items: {**items, "cdk": found["Home EXAMPLE"]})
    printed, status = terminal.run("keyturn plugin clear aws")
    assert (printed.splitlines()[0], status) == (CLEARED[0], 0)
    assert kept.read(file.owner) == {"cdk": found["Home EXAMPLE"]}


def test_it_needs_neither_agent_nor_item(user: User) -> None:
    arrange(user)
    terminal = in_project(user)
    user.keyturn("agent", "stop").succeeds()
    shutil.rmtree(user.home / "accounts")
    (user.config / "accounts.json").unlink()
    for line in CLEARED:
        printed, status = terminal.run("keyturn plugin clear aws")
        assert (printed.splitlines()[0], status) == (line, 0)
    assert not pids_with(str(user.runtime)), "no agent was started"


@pytest.mark.parametrize("directory", ["/", "a deleted one"])
def test_from_any_directory(user: User, directory: str) -> None:
    arrange(user)
    change = "cd /" if directory == "/" else f"cd {user.home}/{PROJECT} && rmdir ../awesomeProject"
    script = f"{change}; keyturn plugin clear aws && keyturn plugin clear aws"
    done = user.sh(script)
    if directory == "/":
        assert done.errors.splitlines()[:2] == [CLEARED[3], "aws has no default here now"]
        assert done.status == Status.NO_DEFAULT
    else:
        assert [line for line in done.succeeds().errors.splitlines() if "cleared" in line] == CLEARED[1:3]


def test_a_damaged_file_is_refused_and_kept(user: User) -> None:
    arrange(user)
    path = user.config / "defaults.json"
    path.write_bytes(path.read_bytes()[:-9])
    before = path.read_bytes()
    user.keyturn("plugin", "clear", "aws").fails(Status.CONFIGURATION, "defaults.json")
    user.keyturn("plugin", "clear", "aws", "--all", "--force").fails(Status.CONFIGURATION, "defaults.json")
    assert path.read_bytes() == before
