"""What a person does with a wrapped command in the real Nushell, without a terminal and in one."""

import re
from collections.abc import Iterator

import pytest

from tests.programs.nu_terminal import NuTerminal, shell_init
from tests.programs.probe import Wrapped, assert_as_bare
from tests.programs.test_as_bare_terminals import ASKED
from tests.programs.user import User
from tests.shells import nu
from tests.vaults.templates import PASSWORD

# What would be asked for a command that is no Nushell command: it shows the words it was asked with.
COMPLETER = """\
$env.config.completions.external.completer = {|spans| [$"got-($spans | str join '-')" "second"] }
"""


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        found = Wrapped(user)
        shell_init(user)
        yield found


@pytest.fixture
def terminals() -> Iterator[list[NuTerminal]]:
    """Those that a test opens, to be closed."""
    opened: list[NuTerminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def sourced(wrapped: Wrapped) -> str:
    return f'source "{wrapped.user.home}/keyturn.nu"\n'


def both(wrapped: Wrapped, terminals: list[NuTerminal]) -> list[NuTerminal]:
    """A terminal without the wrappers, and one with them."""
    terminals.extend(NuTerminal(wrapped.user, lines) for lines in ("", sourced(wrapped)))
    wrapped.probe.reports()
    return terminals


WORDS = "s3 'a b' \"\" \"it's\" '$HOME' '*' é --help=x"


def assert_no_difference(wrapped: Wrapped) -> None:
    """Nushell calls a program by its whole path; the wrapped one is called as it was typed."""
    bare, found = wrapped.probe.reports()
    assert bare.argv[0] == bytes(wrapped.probe.path)
    assert found.argv[0] == b"aws"
    bare.sections["argv"] = bare.sections["argv"].replace(bytes(wrapped.probe.path), b"aws", 1)
    for report in (bare, found):
        # How long the line before took, and the number of our prompt.
        environment = re.sub(rb"(CMD_[A-Z_]+=)\d+", rb"\g<1>0", report.sections["environment"])
        report.sections["environment"] = environment
    assert_as_bare(bare, found)


def test_a_script_finds_no_difference(wrapped: Wrapped) -> None:
    """The whole report, credentials apart: words, descriptors, signals, environment."""
    # Nushell exports the status of what it ran before, once there is one.
    text = f"{sourced(wrapped)}^true; ^aws {WORDS}; aws {WORDS}"
    wrapped.user.run(nu.find(), "--no-config-file", "-c", text).succeeds()
    assert_no_difference(wrapped)


def test_a_terminal_finds_no_difference(wrapped: Wrapped, terminals: list[NuTerminal]) -> None:
    """The process group of its own, the foreground and the terminal's mode among it."""
    terminal = both(wrapped, terminals)[1]
    terminal.run(f"^aws {WORDS}")
    terminal.run(f"aws {WORDS}")
    assert_no_difference(wrapped)


def test_lines(wrapped: Wrapped, terminals: list[NuTerminal]) -> None:
    for terminal in both(wrapped, terminals):
        assert terminal.run("'word' | aws copy") == ["word"]
        assert terminal.run("aws exit 7 | complete | get exit_code") == ["7"]
        terminal.run("aws exit 5")
        assert terminal.run("$env.LAST_EXIT_CODE") == ["5"]
        terminal.run("aws die 15")
        assert terminal.run("$env.LAST_EXIT_CODE") == ["-15"]
        assert terminal.run("try { aws exit 3 } catch {|error| print $'caught ($error.exit_code)' }") == [
            "caught 3"
        ]
        assert terminal.run("'x' | aws copy o> file; open file") == ["x"]
        assert terminal.run("let x = ('value' | aws copy); $'got ($x)'") == ["got value"]


def test_ctrl_c_and_ctrl_z(wrapped: Wrapped, terminals: list[NuTerminal]) -> None:
    for terminal in both(wrapped, terminals):
        terminal.type("aws rest")
        terminal.shows("resting")
        terminal.child.sendcontrol("c")
        terminal.ready()
        assert terminal.run("$env.LAST_EXIT_CODE") == ["-2"]
        terminal.type("aws rest")
        terminal.shows("resting")
        terminal.child.sendcontrol("z")
        terminal.shows("frozen")
        terminal.ready()
        terminal.type("job unfreeze")
        terminal.shows("in front")
        terminal.child.sendcontrol("c")
        terminal.ready()
        assert terminal.run("job list | length") == ["0"]


@pytest.fixture
def locked(wrapped: Wrapped) -> Iterator[Wrapped]:
    """The account is locked: the next command asks."""
    wrapped.user.keyturn("lock").succeeds()
    wrapped.probe.reports()
    yield wrapped
    wrapped.user.keyturn("signin", "--password-file", wrapped.user.password_file()).succeeds()


def test_the_question_is_asked_and_answered(locked: Wrapped, terminals: list[NuTerminal]) -> None:
    terminal = NuTerminal(locked.user, sourced(locked))
    terminals.append(terminal)
    terminal.type("aws exit 0")
    terminal.shows(ASKED.strip())
    terminal.child.sendcontrol("c")
    terminal.ready()
    # It ends by the signal, as a program should that is interrupted.
    assert terminal.run("$env.LAST_EXIT_CODE") == ["-2"]
    assert locked.probe.reports() == []
    terminal.type("aws exit 6")
    terminal.shows(ASKED.strip())
    terminal.child.sendline(PASSWORD)
    terminal.ready()
    assert terminal.run("$env.LAST_EXIT_CODE") == ["6"]
    assert locked.probe.report().argv == [b"aws", b"exit", b"6"]


def test_completion_is_the_commands_own(locked: Wrapped, terminals: list[NuTerminal]) -> None:
    """The completer that a person has set up is asked with the same words, and nobody else is."""
    for lines in (COMPLETER, COMPLETER + sourced(locked)):
        terminal = NuTerminal(locked.user, lines)
        terminals.append(terminal)
        for line in ("aws s3 ", "aws s3 l", "aws --profile "):
            terminal.screen.reset()
            terminal.child.send(f"{line}\t")
            terminal.shows(f"got-{line.replace(' ', '-')}", "second")
            terminal.child.sendcontrol("c")
            terminal.ready()
    assert locked.probe.reports() == []


def test_setting_up_says_what_nushell_can_read(wrapped: Wrapped, terminals: list[NuTerminal]) -> None:
    terminal = NuTerminal(wrapped.user)
    terminals.append(terminal)
    printed = "\n".join(terminal.run("keyturn plugin init aws --item AWS --no-input"))
    assert "keyturn shell-init nu | save --force ~/.keyturn.nu" in printed
    assert "source ~/.keyturn.nu" in printed
    assert "plugins.sh" not in printed.replace("would wrap", "")


def test_keyturn_knows_what_the_shell_has_read(wrapped: Wrapped) -> None:
    look = "keyturn plugin inspect aws | lines | where $it =~ wrapper | to text"
    done = wrapped.user.run(nu.find(), "--no-config-file", "-c", sourced(wrapped) + look).succeeds()
    assert done.output.strip() == "wrapper: sourced in this shell"


def test_after_uninstalling_the_bare_command_runs(wrapped: Wrapped) -> None:
    """The file is the person's: it stays, and says what is gone. The last test of this module."""
    wrapped.user.keyturn("plugin", "uninstall", "--all", "--yes").succeeds()
    wrapped.probe.reports()
    done = wrapped.user.run(nu.find(), "--no-config-file", "-c", sourced(wrapped) + "aws exit 4")
    assert done.status == 4
    assert done.errors.splitlines()[0].startswith("keyturn: aws runs without credentials")
    assert wrapped.probe.report().argv[1:] == [b"exit", b"4"]
