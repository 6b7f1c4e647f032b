"""Real shells read the line that was added to their start-up file; the offer to add it, by keystrokes."""

import os
from pathlib import Path

import pytest

from keyturn.ground import paths
from keyturn.ground.errors import Status
from keyturn.shells import plugins_sh, rc_files
from keyturn.shells.rc_files import Shell
from tests.parts import needs
from tests.programs.user import BIN, PROMPT, SECONDS, Terminal, User

# How each is started, how it is told its prompt, and how it shows a wrapper.
SHELLS = {
    "bash": (("bash",), f"PS1='{PROMPT}'", "declare -f aws"),
    "zsh": (("zsh", "+o", "PROMPT_SP", "+o", "ZLE"), f"PROMPT='{PROMPT}'", "functions aws"),
    "fish": (("fish",), f"function fish_prompt; echo -n '{PROMPT}'; end", "functions aws"),
    "sh": (("dash", "-i"), f"PS1='{PROMPT}'", "alias aws"),
}
# How a file may end: with a line end or without, with carriage returns, with a command that goes on below.
ENDS = ("{0}\n", "# mine\n{0}", "# from elsewhere\r\n{0} # too\r\n", "{0}\n{1} \\")

OFFER = """
import sys
from keyturn.cli import sourcing
from keyturn.cli.context import Context
from keyturn.cli.ending import guarded, leave
from keyturn.ground.world import here

answer = {"yes": True, "no": False, "ask": None}[sys.argv[1]]
context = Context(world=here(), no_input="no-input" in sys.argv)
leave(guarded(lambda: sourcing.carry_out(context, sourcing.offer(context, answer))))
"""


@pytest.fixture
def wrapped(user: User) -> User:
    """A user whose plugins.sh wraps `aws`."""
    directories = paths.resolve(user.environment, os.getuid())
    directories.config.mkdir(mode=0o700, parents=True)
    plugins_sh.update(directories.plugins_sh, ["aws"], ["/opt/launcher EXAMPLE"])
    (user.home / "offer.py").write_text(OFFER)
    return user


def shell_of(user: User, name: str) -> Shell:
    if name == "sh":
        user.variables["ENV"] = str(user.home / ".shrc")
    return rc_files.shell_of({**user.environment, "SHELL": f"/bin/{name}"}, [], "linux")


def opened(user: User, name: str) -> Terminal:
    words = SHELLS[name][0]
    needs(words[0])
    return user.terminal(words)


@pytest.mark.parametrize("name", SHELLS)
def test_a_new_shell_has_the_wrapper(wrapped: User, name: str) -> None:
    shell = shell_of(wrapped, name)
    (path,) = shell.files
    path.parent.mkdir(parents=True, exist_ok=True)
    line = shell.source_line(wrapped.config / "plugins.sh")
    shown = "__keyturn_run aws" if name == "sh" else "/opt/launcher EXAMPLE"
    for end in ENDS:
        # fish reads nothing of a file that ends within a command.
        before = end.format(SHELLS[name][1], "#" if name == "fish" else "true").encode()
        path.write_bytes(before)
        assert rc_files.add_source_line(path, line, wrapped.environment)
        assert shown in wrapper_in(wrapped, name), end
        assert rc_files.remove_source_line(path, line, wrapped.environment)
        assert path.read_bytes() == before
    assert shown not in wrapper_in(wrapped, name)


def wrapper_in(user: User, name: str) -> str:
    """What a new shell says that `aws` is."""
    terminal = opened(user, name)
    terminal.type(f"{SHELLS[name][2]} >shown")
    terminal.type('echo do""ne')
    terminal.expect("done\r\n")
    return (user.home / "shown").read_text()


def offer(user: User, name: str, answer: str = "ask") -> Terminal:
    """A terminal with this shell, in which the offer is made."""
    terminal = opened(user, name)
    terminal.type(f"{BIN}/python offer.py {answer}")
    return terminal


def prepare(user: User, name: str) -> Path:
    (path,) = shell_of(user, name).files
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SHELLS[name][1] + "\n")
    return path


@pytest.mark.parametrize("name", SHELLS)
def test_the_offer_is_about_the_shell_that_is_typed_into(wrapped: User, name: str) -> None:
    wrapped.variables["SHELL"] = "/bin/bash" if name != "bash" else "/bin/zsh"
    path = prepare(wrapped, name)
    before = path.read_bytes()
    word = "." if name == "sh" else "source"
    terminal = offer(wrapped, name)
    shown = str(path).replace(str(wrapped.home), "~")
    terminal.answer(f"add “{word} {wrapped.config}/plugins.sh” to {shown}? [Y/n] ", "")
    printed = terminal.ready()
    assert f"added the line to {shown}, so new shells have it; for this shell:" in printed
    assert f"\n{word} {wrapped.config}/plugins.sh\r\n" in printed
    assert path.read_bytes().startswith(before + word.encode())
    terminal.type(f"{BIN}/python offer.py ask")
    assert "has the line already; for this shell:" in terminal.ready()
    assert path.read_text().count("plugins.sh") == 1


def test_a_script_between_is_not_the_shell(wrapped: User) -> None:
    path = prepare(wrapped, "zsh")
    (wrapped.home / "set-up").write_text(f"{BIN}/python offer.py yes\ntrue\n")
    terminal = opened(wrapped, "zsh")
    terminal.type("bash set-up")
    terminal.ready()
    assert "plugins.sh" in path.read_text()
    assert not (wrapped.home / ".bashrc").exists()


@pytest.mark.parametrize("key", ["n", "c"])
def test_the_offer_is_refused(wrapped: User, key: str) -> None:
    path = prepare(wrapped, "bash")
    before = path.read_bytes()
    terminal = offer(wrapped, "bash")
    terminal.expect("plugins.sh” to ~/.bashrc")
    if key == "c":
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
    else:
        terminal.type("n")
        assert "source this in your shell's start-up file, and in this shell:" in terminal.ready()
    assert path.read_bytes() == before


@pytest.mark.parametrize("words", [("no",), ("ask", "no-input"), ("ask",)])
def test_nothing_is_asked_and_nothing_touched(wrapped: User, words: tuple[str, ...]) -> None:
    wrapped.variables["SHELL"] = "/bin/bash"
    path = prepare(wrapped, "bash")
    before = path.read_bytes()
    done = wrapped.run(str(BIN / "python"), "offer.py", *words).succeeds()
    assert done.output == f"source {wrapped.config}/plugins.sh\n"
    assert path.read_bytes() == before


def test_by_flag_without_a_terminal(wrapped: User) -> None:
    wrapped.variables["SHELL"] = "/usr/bin/fish"
    done = wrapped.run(str(BIN / "python"), "offer.py", "yes").succeeds()
    assert done.output == f"source {wrapped.config}/plugins.sh\n"
    assert f"source {wrapped.config}/plugins.sh" in (wrapped.home / ".config/fish/config.fish").read_text()


def test_a_file_that_cannot_be_changed(wrapped: User) -> None:
    wrapped.variables["SHELL"] = "/bin/bash"
    prepare(wrapped, "bash").chmod(0o444)
    done = wrapped.run(str(BIN / "python"), "offer.py", "yes", seconds=SECONDS)
    assert done.status == Status.CONFIGURATION
    assert done.output == f"source {wrapped.config}/plugins.sh\n"
    assert f"keyturn: {wrapped.home}/.bashrc was not changed: it is read-only\n" in done.errors
    assert f"hint: add this line to it by hand: source {wrapped.config}/plugins.sh" in done.errors


def test_a_shell_that_nothing_is_known_of(wrapped: User) -> None:
    wrapped.variables["SHELL"] = "/usr/bin/nu"
    done = wrapped.run(str(BIN / "python"), "offer.py", "yes")
    done.fails(Status.CONFIGURATION, "the start-up file of nu is not known here")
    assert wrapped.run(str(BIN / "python"), "offer.py", "ask").succeeds().output
