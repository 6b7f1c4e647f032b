"""`keyturn plugin uninstall`: what it takes back, to the byte, and what it leaves."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from keyturn.ground import paths
from keyturn.ground.errors import Status
from keyturn.shells import launcher, plugins_sh, rc_files
from keyturn.shells.launcher import Interpreter
from tests.programs.memory import pids_of
from tests.programs.user import BIN, User
from tests.vaults.templates import make_item

UNINSTALL = ("plugin", "uninstall")
BEFORE = {".bashrc": b"# mine\nPS1='> '", ".zshrc": b"# from elsewhere\r\n", ".config/fish/config.fish": None}


@pytest.fixture
def settled(user: User) -> User:
    """What `plugin init` leaves besides an account: launcher, plugins.sh for two commands, a line for each of
    three shells."""
    directories = paths.resolve(user.environment, os.getuid())
    directories.config.mkdir(mode=0o700, parents=True)
    interpreter = Interpreter(bare=Interpreter.current().bare, own=str(BIN / "python"))
    launcher.renew(directories, interpreter, create=True)
    words = launcher.command(directories, interpreter)
    plugins_sh.update(directories.plugins_sh, ["aws", "sam"], words)
    for name, content in BEFORE.items():
        path = user.home / name
        if content is not None:
            path.write_bytes(content)
        rc_files.add_source_line(path, source_line(user), user.environment)
    return user


def source_line(user: User) -> str:
    return plugins_sh.source_line(user.config / "plugins.sh")


def tree(user: User) -> dict[str, bytes]:
    """Every file of the user's, but for locks and the runtime directory's."""
    found = (path for path in user.home.rglob("*") if path.is_file() and user.runtime not in path.parents)
    kept = {str(path.relative_to(user.home)): path.read_bytes() for path in found}
    return {name: content for name, content in kept.items() if not name.endswith(".lock")}


def test_all_gives_back_what_was_there(settled: User) -> None:
    settled.account(make_item("AWS EXAMPLE"))
    settled.keyturn("agent", "stop").succeeds()
    assert settled.run("/bin/bash", "-c", f"{source_line(settled)}; declare -F").output.count(" -f ") == 3
    with_vaults = tree(settled)
    settled.keyturn(*UNINSTALL, "--all", "--dry-run").succeeds()
    assert tree(settled) == with_vaults
    done = settled.keyturn(*UNINSTALL, "--all", "--yes").succeeds()
    assert done.output == ""
    assert done.errors.splitlines() == [
        "removed the line in ~/.bashrc that sources plugins.sh",
        "removed the line in ~/.zshrc that sources plugins.sh",
        "removed the line in ~/.config/fish/config.fish that sources plugins.sh",
        "removed ~/.config/keyturn/plugins.sh",
        "removed the launcher ~/.local/share/keyturn/launcher",
        "shells that are open keep it until: unset -f aws sam",
        "the vaults of “Test” stay in ~/accounts/Test",
    ]
    assert pids_of(settled.home) == [], "no agent was started"
    gone = {".config/fish/config.fish", ".config/keyturn/plugins.sh"}
    gone |= {f".local/share/keyturn/{name}" for name in ("launcher", "launcher.py")}
    expected = {name: content for name, content in with_vaults.items() if name not in gone}
    expected |= {name: content for name, content in BEFORE.items() if content is not None}
    assert tree(settled) == expected
    again = settled.keyturn(*UNINSTALL, "--all").succeeds()
    assert again.errors == "there is nothing to remove\n"
    row = settled.keyturn("item", "list", "--password-file", settled.password_file()).succeeds().output
    assert "AWS EXAMPLE" in row
    assert "plugins.sh" not in "".join(tree(settled)), "no later command brings it back"


def test_what_init_did_is_undone(user: User) -> None:
    user.account(make_item("AWS EXAMPLE"))
    user.variables["SHELL"] = "/bin/bash"
    (user.home / ".bashrc").write_bytes(b"# mine, without a line end")
    file = ("--password-file", user.password_file())
    user.keyturn("item", "list", *file).succeeds()
    before = tree(user)
    init = ("plugin", "init", "aws", "--item", "AWS EXAMPLE", "--shell-rc", "--no-input", *file)
    done = user.keyturn(*init).succeeds()
    assert "added the line to ~/.bashrc, so new shells have it" in done.errors
    assert done.output == f"{source_line(user)}\n"
    assert "declare -f aws\n" in user.run("/bin/bash", "-c", ". ~/.bashrc; declare -F").output
    user.keyturn(*UNINSTALL, "--all", "--yes").succeeds()
    changed = {name for name, content in tree(user).items() if before.get(name) != content}
    # The default stays; the logs tell what was done.
    assert {name for name in changed if not name.startswith(".local/state/")} == {
        ".config/keyturn/defaults.json"
    }


def test_the_compiled_launcher_goes_too(settled: User) -> None:
    settled.sh(f"{source_line(settled).replace('source', '.')}; eval aws --version", seconds=60)
    cache = settled.data / "__pycache__"
    assert list(cache.iterdir())
    settled.keyturn(*UNINSTALL, "--all", "--yes").succeeds()
    assert not cache.exists()


def test_dry_run_says_what_it_would_do(settled: User) -> None:
    done = settled.keyturn(*UNINSTALL, "--all", "--dry-run").succeeds()
    assert done.errors == ""
    assert done.output.splitlines() == [
        "would remove the line in ~/.bashrc that sources plugins.sh",
        "would remove the line in ~/.zshrc that sources plugins.sh",
        "would remove the line in ~/.config/fish/config.fish that sources plugins.sh",
        "would remove ~/.config/keyturn/plugins.sh",
        "would remove the launcher ~/.local/share/keyturn/launcher",
    ]


def test_one_executable(settled: User) -> None:
    before = tree(settled)
    done = settled.keyturn(*UNINSTALL, "aws", "gh", "--yes").succeeds()
    assert done.errors.splitlines()[:3] == [
        "gh is not wrapped",
        "removed the wrapper of aws in ~/.config/keyturn/plugins.sh",
        "shells that are open keep it until: unset -f aws",
    ]
    assert plugins_sh.wrapped(settled.config / "plugins.sh") == ["sam"]
    changed = {name for name, content in tree(settled).items() if content != before[name]}
    assert changed == {".config/keyturn/plugins.sh"}
    again = settled.keyturn(*UNINSTALL, "aws", "--yes").succeeds()
    assert again.errors == "aws is not wrapped\nthere is nothing to remove\n"


def test_nothing_was_ever_set_up(user: User) -> None:
    before = tree(user)
    for words in (("aws",), ("--all",), ("--all", "--dry-run"), ("--all", "--no-input")):
        done = user.keyturn(*UNINSTALL, *words).succeeds()
        assert done.errors.splitlines()[-1] == "there is nothing to remove"
    assert tree(user) == before


def test_which_ones(settled: User) -> None:
    for words in ((), ("aws", "--all")):
        done = settled.keyturn(*UNINSTALL, *words)
        done.fails(Status.USAGE, "either executables or --all")
        assert "wrapped are: aws, sam" in done.errors


@pytest.mark.parametrize("words", [("--all",), ("aws",), ("aws", "--no-input")])
def test_without_an_agreement(settled: User, words: tuple[str, ...]) -> None:
    before = tree(settled)
    settled.keyturn(*UNINSTALL, *words).fails(Status.USAGE, "your agreement to remove this is missing")
    assert tree(settled) == before


@pytest.mark.parametrize(
    ("answer", "status"), [("y", 0), ("n", Status.DENIED), ("", Status.DENIED), ("c", Status.INTERRUPTED)]
)
def test_it_names_what_goes_before_it_asks(settled: User, answer: str, status: int) -> None:
    before = tree(settled)
    terminal = settled.terminal()
    before |= {".inputrc": (settled.home / ".inputrc").read_bytes()}
    terminal.type("keyturn plugin uninstall --all")
    named = terminal.expect(r"remove this\? \[y/N\] ")
    for thing in (".bashrc", ".zshrc", "config.fish", "keyturn/plugins.sh", "keyturn/launcher"):
        assert thing in named
    if answer == "c":
        terminal.press("c")
    else:
        terminal.type(answer)
    terminal.ready()
    assert terminal.status() == status
    assert (tree(settled) == before) == (status != 0)


def test_a_linked_plugins_sh(settled: User) -> None:
    """The link goes; the dotfiles repository's own file is left to its owner."""
    target = settled.home / "dotfiles.sh"
    path = settled.config / "plugins.sh"
    path.rename(target)
    path.symlink_to(target)
    done = settled.keyturn(*UNINSTALL, "--all", "--yes").succeeds()
    assert "removed the link ~/.config/keyturn/plugins.sh (not what it leads to)" in done.errors
    assert not os.path.lexists(path)
    assert target.exists()


def hold_in_a_block(path: Path, line: str) -> None:
    path.write_text(f"if true; then\n  {line}\nfi\n")


def make_read_only(path: Path, line: str) -> None:
    path.chmod(0o444)


@pytest.mark.parametrize(
    ("obstacle", "why"),
    [
        (hold_in_a_block, "left, for it is part of more: ~/.bashrc, line 2"),
        (make_read_only, "was not changed: it is read-only"),
    ],
)
def test_a_line_that_cannot_go(settled: User, obstacle: Callable[[Path, str], None], why: str) -> None:
    """plugins.sh stays for it, without wrappers: no shell that opens says that it is missing."""
    path = settled.home / ".bashrc"
    obstacle(path, source_line(settled))
    before = path.read_bytes()
    done = settled.keyturn(*UNINSTALL, "--all", "--yes")
    assert done.status == Status.CONFIGURATION
    assert why in done.errors
    assert "hint: take " in done.errors
    assert path.read_bytes() == before
    opened = settled.run("/bin/bash", "-c", f". {shlex.quote(str(path))}; alias; declare -F")
    assert (opened.output, opened.errors) == ("", "")
    assert not (settled.data / "launcher").exists()
    path.unlink()
    settled.keyturn(*UNINSTALL, "--all", "--yes").succeeds()
    assert not (settled.config / "plugins.sh").exists()


def test_a_damaged_list_of_accounts(settled: User) -> None:
    (settled.config / "accounts.json").write_text("{")
    done = settled.keyturn(*UNINSTALL, "--all", "--yes").succeeds()
    assert "the vaults stay where they are; their list ~/.config/keyturn/accounts.json" in done.errors


def test_from_a_fish(settled: User) -> None:
    settled.variables["SHELL"] = "/usr/bin/fish"
    done = settled.keyturn(*UNINSTALL, "aws", "--yes").succeeds()
    assert "shells that are open keep it until: functions --erase aws" in done.errors
