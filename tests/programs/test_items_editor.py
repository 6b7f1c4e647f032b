"""An item in an editor: what comes back is stored or refused, and no file is left in any case."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.cli import item_memory
from keyturn.ground.errors import Status
from tests.parts import absent, needs
from tests.programs.planted import wait_for
from tests.programs.user import BIN, Result, User
from tests.programs.vault import Vault


class Editor:
    """A script in the place of an editor, and the directories that are there before and after."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.before = self.places()

    def places(self) -> set[Path]:
        return set(self.vault.user.runtime.glob("*/keyturn-*"))

    def left(self) -> set[Path]:
        return self.places() - self.before

    def script(self, text: str) -> dict[str, str]:
        """The variables with which `text` is the editor; `$1` is the file in it."""
        path = self.vault.user.home / "editor"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return {"EDITOR": str(path)}

    def edit(self, name: str, script: str, *options: str) -> Result:
        words = ("edit", name, "--editor", *options)
        done = self.vault.item(*words, variables=self.script(script))
        assert not self.left()
        return done


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with User() as user, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        # Of this user alone: other tests' files come and go in /dev/shm itself.
        user.runtime = Path(memory)
        yield Vault(user)
        user.keyturn("agent", "stop").succeeds()


@pytest.fixture
def editor(vault: Vault) -> Editor:
    return Editor(vault)


def test_what_the_editor_sees(vault: Vault, editor: Editor) -> None:
    name = vault.create("seen", "user[text]=ada", "key=-", stdin="line 1\nline 2 EXAMPLE")
    look = 'cp "$1" seen; stat -c "%a %U" "$1" "$(dirname "$1")" > modes; stat -f -c %T "$1" >> modes'
    said = editor.edit(name, look).succeeds().errors
    assert said == "nothing was changed\n"
    seen = (vault.user.home / "seen").read_text()
    assert 'value = "ada"' in seen
    assert "EXAMPLE" not in seen
    assert "hidden; --reveal shows it" in seen
    assert (vault.user.home / "modes").read_text().split() == ["600", "root", "700", "root", "tmpfs"]
    editor.edit(name, look, "--reveal").succeeds()
    assert '"""\nline 1\nline 2 EXAMPLE"""' in (vault.user.home / "seen").read_text()
    (vault.user.home / "seen").unlink()
    assert vault.json("get", name)["version"] == 1


CHANGING = """exec python3 - "$1" << 'EOF'
import sys
text = open(sys.argv[1]).read()
head, user, key, old = text.split("\\n[[field]]\\n")
user = user.replace('"user"', '"login"').replace('"ada"', '"bob"')
head = head.replace('"edited"', '"new"').replace("tags = []", 'tags = ["red"]')
site = 'label = "site"\\ntype = "url"\\nvalue = "https://x.example"\\n'
open(sys.argv[1], "w").write("\\n[[field]]\\n".join([head, user, key, site]))
EOF"""


def test_what_is_edited_is_stored(vault: Vault, editor: Editor) -> None:
    name = vault.create("edited", "user[text]=ada", "key=-", "old[text]=x", stdin="kept EXAMPLE")
    assert editor.edit(name, CHANGING).succeeds().errors == ""
    assert vault.fields("new") == {
        "login": ("STRING", "bob"),
        "key": ("CONCEALED", "kept EXAMPLE"),
        "site": ("URL", "https://x.example"),
    }
    assert vault.json("get", name)["tags"] == ["red"]
    assert [each["changes"] for each in vault.json("history", name)] == [
        [],
        ["title", "tags", "login", "+site", "-old"],
    ]


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ('echo "= secretEXAMPLE" >> "$1"', Status.USAGE, "not as an item is written"),
        ("""sed -i 's/type = "text"/type = "secretEXAMPLE"/' "$1" """, Status.USAGE, "field 1: no such type"),
        ("""sed -i 's/"text"/"otp"/' "$1" """, Status.CONFIGURATION, "one-time password cannot be used"),
        ('printf "\\377" > "$1"', Status.USAGE, "not UTF-8"),
        ('rm "$1"; mkfifo "$1"', 193, "not a regular file"),
        ('rm "$1"', Status.USAGE, "cannot be read"),
        # Leaving the editor in another way than by its end.
        ("exit 3", Status.USAGE, "the editor ended with status 3"),
        ("kill -9 $$", Status.USAGE, "the editor ended with"),
    ],
)
def test_what_cannot_be_stored_changes_nothing(
    vault: Vault, editor: Editor, script: str, status: int, said: str
) -> None:
    name = vault.create(f"refused {said}", "user[text]=ada")
    done = editor.edit(name, script)
    assert (done.status, said in done.errors) == (status, True), done.errors
    assert "secretEXAMPLE" not in done.errors
    assert vault.json("get", name)["version"] == 1


def test_which_editor_it_is(vault: Vault, editor: Editor) -> None:
    name = vault.create("edited by several", "user[text]=ada")
    variables = editor.script('[ "$1" = -x ] && shift; echo "$0 $1" >> used; [ "$1" = -x ] || exit 0; exit 5')
    command = variables["EDITOR"]
    edit = ("edit", name, "--editor")
    vault.item(*edit, variables={"EDITOR": "false", "VISUAL": command}).succeeds()
    vault.item(*edit, variables={"EDITOR": f"  {command} -x "}).succeeds()
    vault.item(*edit, variables={"EDITOR": f"X=1 '{command}' -x"}).succeeds()
    used = (vault.user.home / "used").read_text().splitlines()
    assert [line.split()[0] for line in used] == [command] * 3
    assert all(line.endswith("/item.toml") for line in used)
    none = vault.item(*edit, variables={"EDITOR": "/no/such/editor"})
    none.fails(Status.USAGE, "the editor cannot be started: no such file")
    assert not editor.left()


def test_the_item_was_changed_meanwhile(vault: Vault, editor: Editor) -> None:
    name = vault.create("raced", "user[text]=ada")
    script = f"""keyturn item edit {name} user=eve; sed -i 's/"ada"/"bob"/' "$1" """
    done = editor.edit(name, script)
    assert "was changed meanwhile" in done.errors
    assert vault.fields(name) == {"user": ("STRING", "eve")}


def test_it_is_offered_to_edit_again(vault: Vault, editor: Editor) -> None:
    name = vault.create("again", "user[text]=ada")
    mend = "sed -i -e '/broken/d' -e 's/ada/bob/' \"$1\""
    script = f'if grep -q broken "$1"; then {mend}; else echo broken >> "$1"; fi'
    variables = editor.script(script)
    terminal = vault.user.terminal()
    command = f"EDITOR={variables['EDITOR']} keyturn item edit {name} --editor"
    terminal.type(command)
    assert "keyturn: line " in terminal.expect(r"edit it again\? \[Y/n\]")
    terminal.type("n")
    assert "keyturn:" not in terminal.ready(), "said once"
    assert terminal.status() == Status.USAGE
    terminal.type(command)
    terminal.expect(r"edit it again\? \[Y/n\]")
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert vault.fields(name)["user"] == ("STRING", "ada")
    terminal.type(command)
    terminal.answer("edit it again? [Y/n]", "")
    terminal.ready()
    assert terminal.status() == 0
    assert vault.fields(name)["user"] == ("STRING", "bob")
    assert not editor.left()


@pytest.mark.parametrize(
    ("number", "whom"),
    [
        (signal.SIGTERM, "parent"),
        (signal.SIGKILL, "parent"),
        (signal.SIGHUP, "child"),
        (signal.SIGINT, "child"),
        (signal.SIGKILL, "child"),
    ],
)
def test_whatever_ends_it_no_file_is_left(
    vault: Vault, editor: Editor, number: signal.Signals, whom: str
) -> None:
    name = vault.create(f"ended {number} {whom}", "key=-", stdin="value EXAMPLE")
    variables = editor.script('echo "$PPID" > started; sed -i s/value/other/ "$1"; sleep 1; rm started')
    process = subprocess.Popen(
        [BIN / "keyturn", "item", "edit", name, "--editor", "--reveal"],
        env={**vault.user.environment, **variables},
        cwd=vault.user.home,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started = vault.user.home / "started"
    child = int(wait_for(lambda: started.exists() and started.read_text().strip(), "the editor runs"))
    assert len(editor.left()) == 1
    assert child != process.pid
    os.kill(process.pid if whom == "parent" else child, number)
    process.wait(30)
    wait_for(lambda: not editor.left(), "the file is removed")
    started.unlink(missing_ok=True)
    # Ctrl-C is the editor's own: it goes on, and what it wrote is stored.
    value = "other EXAMPLE" if number is signal.SIGINT and process.returncode == 0 else "value EXAMPLE"
    assert vault.fields(name)["key"] == ("CONCEALED", value)


def test_without_memory_to_write_to_it_is_refused(user: User) -> None:
    """A machine without tmpfs, by a namespace in which /dev/shm is an ordinary directory."""
    vault = Vault(user)
    editor = Editor(vault)
    if item_memory.is_in_memory(user.runtime):
        absent("a temporary directory on a disk")
    name = vault.create("no memory", "key=-", stdin="value EXAMPLE")
    inside = vault.user.home / "disk"
    inside.mkdir()
    script = f"mount --bind {inside} /dev/shm && exec {BIN}/keyturn item edit {name} --editor"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        absent("the right to make a mount namespace")
    done = vault.user.run("unshare", "--mount", "sh", "-c", script, variables=editor.script("exit 0"))
    assert "no file system in memory" in done.errors, done.errors
    assert not list(inside.iterdir())


def test_an_editor_on_the_terminal_has_it_to_itself(vault: Vault, editor: Editor) -> None:
    """Ctrl-C is the editor's; Ctrl-Z stops it and `fg` goes on, as with any command."""
    name = vault.create("on a terminal", "user[text]=ada")
    asking = "while ! read -r answer; do :; done"
    variables = editor.script(f'trap "echo caught" INT; echo editing; {asking}; sed -i "s/ada/$answer/" "$1"')
    terminal = vault.user.terminal()
    terminal.type(f"EDITOR={variables['EDITOR']} keyturn item edit {name} --editor")
    terminal.expect("editing\r\n")
    terminal.press("c")
    terminal.expect("caught")
    assert len(editor.left()) == 1
    terminal.press("z")
    terminal.ready()
    assert len(editor.left()) == 1
    terminal.type("fg")
    terminal.expect("editor|editing|edit")
    terminal.type("bob")
    said = terminal.ready()
    assert terminal.status() == 0, said
    assert vault.fields(name) == {"user": ("STRING", "bob")}
    assert not editor.left()


def test_vim_leaves_no_trace(vault: Vault, editor: Editor) -> None:
    """A person's settings have it keep swap files, backups, undo files and registers in the home."""
    name = vault.create("in vim", "key=-", stdin="value EXAMPLE")
    home = vault.user.home
    kept = home / "kept"
    kept.mkdir()
    places = " ".join(f"{option}={kept}" for option in ("directory", "backupdir", "undodir"))
    (home / ".vimrc").write_text(f"set nocompatible backup undofile viminfo='10,<50 {places}\n")
    terminal = vault.user.terminal()
    terminal.type(f"TERM=vt100 EDITOR={needs('vim')} keyturn item edit {name} --editor --reveal")
    terminal.expect("EXAMPLE")
    assert not list(kept.iterdir())
    terminal.child.send(":%s/value EXAMPLE/other EXAMPLE/\ryyP:undo\r:wq\r")
    terminal.ready()
    assert terminal.status() == 0
    assert vault.fields(name) == {"key": ("CONCEALED", "other EXAMPLE")}
    assert not editor.left()
    found = [path for path in home.rglob("*") if path.is_file() and b"EXAMPLE" in path.read_bytes()]
    assert not [path for path in found if path.name != "password"]
    assert not list(kept.iterdir())
    assert not (home / ".viminfo").exists()


def test_a_terminal_that_hangs_up_leaves_no_file(vault: Vault, editor: Editor) -> None:
    name = vault.create("hung up", "key=-", stdin="value EXAMPLE")
    variables = editor.script("echo editing; read -r answer")
    terminal = vault.user.terminal()
    terminal.type(f"EDITOR={variables['EDITOR']} keyturn item edit {name} --editor --reveal")
    terminal.expect("editing\r\n")
    assert len(editor.left()) == 1
    terminal.close()
    wait_for(lambda: not editor.left(), "the file is removed")
