"""What a call of `keyturn` imports before it knows the command, and what that costs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

import click
import pytest

from keyturn.cli.grouping import MEANT
from keyturn.cli.main import COMMANDS
from tests.programs.user import BIN

HELP = [str(BIN / "keyturn"), "--help"]
BARE = [str(BIN / "python"), "-c", "pass"]
BUDGET = 8.0  # times the interpreter's own start

# Each costs more than the interpreter's start by itself, or belongs to a command.
HEAVY = {
    "msgspec",
    "rich",
    "questionary",
    "prompt_toolkit",
    "pyrage",
    "botocore",
    "tomlkit",
    "asyncio",
    "importlib.metadata",
}


def imported(*arguments: str) -> set[str]:
    """The modules that `keyturn` with these arguments has loaded when it ends."""
    script = (
        "import sys, atexit; sys.argv[0] = 'keyturn';"
        "atexit.register(lambda: print('loaded', *sys.modules));"
        "from keyturn.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("loaded ")]
    return set(line.split()[1:])


@pytest.mark.parametrize("argument", ["--help", "-h", "--version"])
def test_help_imports_no_command(argument: str) -> None:
    modules = imported(argument)
    assert "keyturn.cli.main" in modules
    commands = {f"keyturn.cli.{module}" for module, _ in COMMANDS.values()}
    assert commands
    assert not modules & (commands | HEAVY | {"keyturn.cli.context", "keyturn.ground.settings"})


def test_a_command_is_imported_when_it_is_called() -> None:
    modules = imported("vault", "--help")
    assert "keyturn.cli.vault" in modules
    assert "keyturn.cli.account" not in modules


def test_what_sdks_run_again_and_again_imports_no_other_command_of_aws() -> None:
    modules = {each for each in imported("aws", "credential-process", "--help") if "keyturn.cli.aws" in each}
    assert modules == {f"keyturn.cli.aws{each}" for each in ("", "_credential_process", "_keys")}


def test_the_table_of_commands_is_true() -> None:
    """`--help` shows a table; each name in it is a command with a help text."""
    import importlib

    for name, (module, line) in COMMANDS.items():
        command = getattr(importlib.import_module(f"keyturn.cli.{module}"), name.replace("-", "_"))
        assert isinstance(command, click.Command), name
        assert command.help, name
        assert line[0].islower() or line.startswith("AWS"), name


def test_help_is_within_its_budget() -> None:
    """Best of several tries, for other work on the machine only ever adds."""
    ratio = 0.0
    for _ in range(3):
        pairs = [(seconds(BARE), seconds(HELP)) for _ in range(7)]
        ratio = median(with_help for _, with_help in pairs) / median(bare for bare, _ in pairs)
        if ratio <= BUDGET:
            return
    pytest.fail(f"`keyturn --help` takes {ratio:.1f} times the interpreter's start; the budget is {BUDGET:g}")


def seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        ([], ["Usage: keyturn"]),
        (
            ["itm"],
            [
                "keyturn: no such command 'itm'",
                "  hint: did you mean: keyturn item",
                "  hint: see: keyturn --help",
            ],
        ),
        (["item", "gt"], ["keyturn: no such command 'gt'", "  hint: did you mean: keyturn item get"]),
        (
            ["status", "--fromat", "json"],
            ["keyturn: no such option '--fromat'", "  hint: did you mean: keyturn status --format"],
        ),
        (["item", "get"], ["keyturn: missing argument 'NAME'", "  hint: see: keyturn item get --help"]),
        (
            ["lock", "now"],
            ["keyturn: got unexpected extra argument (now)", "  hint: see: keyturn lock --help"],
        ),
        (["\x1b[2J"], ["keyturn: no such command '\\x1b[2J'"]),
        (["init", "aws"], ["keyturn: no such command 'init'", "  hint: did you mean: keyturn plugin init\n"]),
        (["unlock"], ["keyturn: no such command 'unlock'", "  hint: did you mean: keyturn signin\n"]),
        (["help"], ["keyturn: no such command 'help'", "  hint: did you mean: keyturn --help\n"]),
        (
            ["item", "help"],
            ["keyturn: no such command 'help'", "  hint: did you mean: keyturn item --help\n"],
        ),
        (
            ["agent", "status"],
            ["keyturn: no such command 'status'", "  hint: did you mean: keyturn status\n"],
        ),
        (
            ["completion"],
            ["keyturn: missing argument '{bash|zsh|fish}', one of: bash, zsh, fish\n", "  hint: see: "],
        ),
        (["plugin", "inspect", "AWS"], ["keyturn: no plugin wraps AWS\n", "  hint: did you mean: aws\n"]),
        (
            ["plugin", "examples", "terrafrom"],
            ["keyturn: there is no file and no plugin terrafrom"],
        ),
        (
            ["plugin", "run", "--plugin", "gihub", "--", "ls"],
            ["keyturn: no plugin is called gihub\n", "  hint: did you mean: github\n"],
        ),
        (["plugin", "inspect", "terrafrom"], ["keyturn: no plugin wraps", "did you mean: terraform\n"]),
    ],
)
def test_a_wrong_call_says_what_is_right(words: list[str], hints: list[str]) -> None:
    done = subprocess.run([str(BIN / "keyturn"), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(hints[0])
    for hint in hints:
        assert hint in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["plugin", "list"], ["settings"], ["shell-init", "bash"]])
def test_a_reader_that_has_enough_is_no_failure_of_ours(words: list[str]) -> None:
    """The status is that of every command whose reader went away, and nothing is said."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [str(BIN / "keyturn"), *words]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def groups(command: click.Group, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Group]]:
    """This group and those in it, each with the words that call it."""
    yield words, command
    context = click.Context(command, obj=object())
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if isinstance(below, click.Group):
            yield from groups(below, (*words, name))


def test_what_may_be_meant_is_there_and_what_is_there_is_not_taken_for_something_else() -> None:
    from keyturn.cli.main import keyturn

    found = {" ".join(words): group for words, group in groups(keyturn, ())}
    assert len(found) > 10
    assert set(MEANT) <= set(found)
    for name, meant in MEANT.items():
        context = click.Context(found[name], obj=object())
        assert not set(meant) & set(found[name].list_commands(context)), name
        for word, command in meant.items():
            at: click.Command | None = keyturn
            for part in [] if command.startswith("--") else command.split():
                assert isinstance(at, click.Group)
                at = at.get_command(context, part)
            assert at is not None, f"{name} {word}: {command}"


def test_a_group_lists_whole_sentences() -> None:
    """And every group does: click's own cuts them after 45 characters."""
    from keyturn.cli.grouping import Group
    from keyturn.cli.main import keyturn

    for words, group in groups(keyturn, ()):
        assert isinstance(group, Group), words
        formatter = click.HelpFormatter()
        group.format_commands(click.Context(group, obj=object()), formatter)
        listed = formatter.getvalue()
        assert listed, words
        assert "..." not in listed, words
