"""A person's own rules: strict, by position, and in doubt a command authenticates as before."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.catalogue import loader, own_rules
from keyturn.ground.errors import ConfigurationError
from keyturn.sdk import rules
from keyturn.sdk.argv import Options
from tests.catalogue.own_files import OwnFiles


def needs(line: str, runs: str = "aws") -> bool:
    plugin = loader.find_by_executable(runs)
    assert plugin is not None
    executable = plugin.executable(runs)
    assert executable is not None
    return executable.needs_authentication([word.encode() for word in line.split()])


def test_without_a_file_the_plugins_rules_hold(mine: OwnFiles) -> None:
    assert needs("s3 ls")
    assert not needs("--version")
    assert loader.rules("aws") is None
    assert loader.why("aws", [b"s3", b"ls"]) == ""


def test_always_and_never(mine: OwnFiles) -> None:
    mine.rules(
        '[aws]\nalways = ["help", "configure list"]\nnever = ["s3 presign", "* describe-*", "--dry-run"]\n'
    )
    for line in ("help", "configure list", "s3 ls", "s3", "configure list --dry-run", "ec2 describe", "x"):
        assert needs(line), line
    for line in ("s3 presign s3://b/k", "--region r s3 presign", "ec2 describe-hosts", "ec2 run --dry-run"):
        assert not needs(line), line
    assert not needs("--version")
    assert loader.why("aws", [b"s3", b"presign"]) == "never “s3 presign” in rules.toml"
    assert loader.why("aws", [b"help"]) == "always “help” in rules.toml"
    assert loader.why("aws", [b"s3", b"ls"]) == ""


def test_words_and_options_together(mine: OwnFiles) -> None:
    mine.rules('[aws]\nnever = ["s3 sync --dryrun --quiet"]\n')
    assert not needs("s3 sync a b --dryrun --quiet")
    assert needs("s3 sync a b --dryrun")
    assert needs("s3 cp a b --dryrun --quiet")
    assert needs("s3 sync a b -- --dryrun --quiet")


def test_in_doubt_it_authenticates(mine: OwnFiles) -> None:
    """What follows an unknown option may be its value, and then the command is another one."""
    mine.rules('[aws]\nnever = ["s3 presign"]\n')
    assert needs("--frob s3 presign")
    assert not needs("s3 presign --frob x")


def test_they_hold_for_a_plugin_of_ones_own_too(mine: OwnFiles) -> None:
    mine.write()
    mine.rules('[mytool]\nnever = ["login"]\n')
    assert not needs("login", "mytool")
    assert needs("logout", "mytool")


def test_a_changed_file_holds_at_once_and_an_unchanged_plugin_is_the_same_object(mine: OwnFiles) -> None:
    mine.rules('[aws]\nnever = ["s3"]\n')
    first = loader.load("aws")
    assert not needs("s3 ls")
    assert loader.load("aws") is first
    mine.rules('[aws]\nnever = ["ec2"]\n')
    assert needs("s3 ls")
    assert loader.load("aws") is not first
    (mine.path / "rules.toml").unlink()
    assert needs("ec2 x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frob", "at the end: not TOML: "),
        ("[aws]\nnevr = ['s3']", "line 2: aws.nevr: unknown key; did you mean “never”?"),
        ("[aws]\nnever = 's3'", "line 2: aws.never: expected a list, got text"),
        ("aws = 1", "line 1: aws: expected a table, got a whole number"),
        ("[aws]", "line 1: aws: expected always or never"),
        ("[x]\nnever = ['a']\n[aws]\nnever = ['']", "line 3: aws: expected the words of a command"),
        ("[aws]\nnever = ['--x y']", "line 1: aws: “--x y”: expected words before options"),
        ("[aws]\nnever = ['x --y=1']", "line 1: aws: “x --y=1”: expected the bare name of an option"),
        ("[aws]\nnever = ['x --']", "line 1: aws: “x --”: expected the bare name of an option"),
    ],
)
def test_a_broken_file_is_named_and_nothing_runs_by_half_a_rule(mine: OwnFiles, text: str, said: str) -> None:
    path = mine.rules(text)
    with pytest.raises(ConfigurationError) as caught:
        loader.find_by_executable("aws")
    assert caught.value.message.startswith(f"{path}: {said}")
    assert [each.message for each in loader.broken()] == [caught.value.message]


def test_a_command_of_a_broken_plugin_is_not_blamed_on_the_rules(mine: OwnFiles) -> None:
    path = mine.write()
    path.write_text(path.read_text().replace("secret =", "secrte ="))
    mine.rules('[mytool]\nnever = ["x"]\n')
    assert [each.path for each in loader.broken()] == [path]


def test_a_command_that_no_plugin_wraps_is_named(mine: OwnFiles) -> None:
    path = mine.rules('[frob]\nnever = ["x"]\n')
    assert [each.message for each in loader.broken()] == [
        f"{path}: frob: no plugin wraps it; expected a command that one wraps"
    ]
    assert needs("s3 ls")


WORDS = st.lists(
    st.sampled_from(["s3", "ls", "x", "--frob", "--region", "--version", "help", "--"]), max_size=5
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=WORDS, never=st.sampled_from(["s3", "s3 ls", "--frob", "* ls", "x"]))
def test_never_only_takes_away_where_it_certainly_fits(mine: OwnFiles, line: list[str], never: str) -> None:
    executable = loader._load("aws", loader.BUILT_IN).executables[0]
    arguments = [word.encode() for word in line]
    ruled = own_rules.OwnRules(never=(never,)).applied(executable)
    fits = rules.matches(own_rules.compiled(never), arguments, executable.options) is True
    expected = executable.needs_authentication(arguments) and not fits
    assert ruled.needs_authentication(arguments) == expected


@given(line=WORDS, always=st.sampled_from(["s3", "--version", "help", "* ls"]))
def test_always_never_lets_a_fitting_line_go_bare(line: list[str], always: str) -> None:
    executable = loader._load("aws", loader.BUILT_IN).executables[0]
    arguments = [word.encode() for word in line]
    ruled = own_rules.OwnRules(always=(always,), never=("*",)).applied(executable)
    if rules.matches(own_rules.compiled(always), arguments, executable.options) is not False:
        assert ruled.needs_authentication(arguments)


def test_a_part_of_a_word() -> None:
    for entry, word, fits in [
        ("get-*", b"get-x", True),
        ("get-*", b"get-", True),
        ("get-*", b"forget-x", False),
        ("*-x", b"a-x", True),
        ("a*b*c", b"a\nbc", True),
        ("a*b*c", b"acb", False),
        ("a.b*", b"axb", False),
    ]:
        assert rules.matches(own_rules.compiled(entry), [word], Options()) is fits, (entry, word)
