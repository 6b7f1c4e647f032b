"""What completion knows of which parameter: nothing that takes a name is forgotten."""

import os
import subprocess

import click
import pytest

from keyturn.cli import completing
from keyturn.cli.main import COMPLETE, keyturn
from scripts.reference import commands
from tests.parts import needs

# Parameters that take a name, and the commands in which it is a new one or one that is nowhere kept.
NAMED = {
    "account", "vault", "item", "executable", "executables", "credential", "plugin", "key", "name", "to"
}  # fmt: skip
NEW = {
    (("account", "create"), "vault"),
    (("account", "slot", "add", "plugin"), "plugin"),
    (("account", "slot", "add", "ssh"), "key"),
    (("account", "slot", "remove"), "name"),
    (("account", "slot", "use"), "key"),
    (("account", "slot", "use"), "name"),
    (("account", "slot", "use"), "plugin"),
    (("plugin", "new"), "name"),
}


def parameters() -> list[tuple[tuple[str, ...], str]]:
    found = commands(keyturn, ("keyturn",))
    return [(words[1:], each.name or "") for words, command in found for each in command.params]


def test_every_parameter_that_takes_a_name_is_completed_or_known_to_be_new() -> None:
    named = [each for each in parameters() if each[1] in NAMED]
    assert len(named) > 40
    unknown = [each for each in named if completing._values(*each) is None and each not in NEW]
    assert not unknown
    assert not [each for each in NEW if completing._values(*each) is not None]


def test_the_table_names_no_parameter_that_is_not_there() -> None:
    assert set(completing.OF_COMMAND) <= set(parameters())


def test_prepare_reaches_commands_below_groups() -> None:
    root = click.Group("root", commands={"item": click.Group("item", commands={"get": click.Command(
        "get", params=[click.Argument(["name"])])})})  # fmt: skip
    completing.prepare(root)
    context = click.Context(root)
    group = root.get_command(context, "item")
    assert isinstance(group, click.Group)
    below = group.get_command(context, "get")
    assert below is not None
    assert below.params[0].shell_complete(context, "") == [], "no world, no titles, and no file names"


@pytest.mark.parametrize(
    "word",
    ["plain", "two words", "it's", 'quo"te', "$HOME", "a\\b", "ümläut x", "*", "a;b", "", "-x", "tab\there"],
)
def test_a_word_is_quoted_as_bash_reads_it(word: str) -> None:
    quoted = completing._quoted(word)
    done = subprocess.run(
        [needs("bash"), "--norc", "-c", f"printf '<%s>' {quoted or repr('')}"],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == f"<{word}>"


def test_the_variable_is_the_one_that_the_scripts_set() -> None:
    for kind in completing.SHELLS.values():
        made = kind(click.Group(), {}, "keyturn", COMPLETE)
        text = made.source_template % made.source_vars()
        assert f"{COMPLETE}={kind.name}_complete" in text or f"{COMPLETE} {kind.name}_complete" in text
