"""Plugin files are parsed strictly, and an error names file, key and what was expected."""

from __future__ import annotations

import re

import pytest

from keyturn.ground.errors import ConfigurationError
from keyturn.sdk.schema import Plugin, parse

SOUND = """
name = "demo"
platform = "Demo"
reads = ["DEMO_*", "HOME"]

[credential]
name = "token"
title = "Token"

[[credential.field]]
label = "token"
secret = true

[[credential.field]]
label = "host"
optional = true

[provision.environment]
DEMO_TOKEN = "token"
DEMO_HOST = "host"

[[import]]
[import.environment]
DEMO_TOKEN = "token"

[[executable]]
runs = "demo"
name = "Demo CLI"
needs_auth = { not = { command = ["help"] } }
"""


def parsed(text: str = SOUND) -> Plugin:
    return parse(text.encode(), "demo.toml")


def test_a_sound_file() -> None:
    plugin = parsed()
    assert plugin.tag == "keyturn/demo/token"
    assert plugin.executable("demo") is plugin.executables[0]
    assert plugin.executable("other") is None
    definition = plugin.credential.field("TOKEN")
    assert definition is not None
    assert definition.secret


def test_only_declared_variables_are_read() -> None:
    plugin = parsed()
    assert plugin.reads_variable(b"DEMO_X")
    assert plugin.reads_variable(b"HOME")
    assert not plugin.reads_variable(b"HOMEX")
    assert not plugin.reads_variable(b"demo_x")
    assert not plugin.reads_variable(b"\xff")


BROKEN = [
    ('name = "demo"', 'name = "Demo"', "the file: name is 1 to 32 of a-z, 0-9 and -"),
    ('name = "demo"', 'name = "../x"', "the file: name is"),
    ('platform = "Demo"', "", "the file: the key “platform” is missing"),
    ('platform = "Demo"', "platform = 1", "platform: expected text, got a whole number"),
    (
        'platform = "Demo"',
        'platform = "D"\nfrob = 1',
        "frob: unknown key; known here: also_reads, credential",
    ),
    ('label = "host"', 'label = "TO-KEN"', "credential: two fields have labels that match"),
    ("secret = true", "secret = 1", "credential.field[0].secret: expected true or false, got a whole number"),
    ("secret = true", "secrte = true", "credential.field[0].secrte: unknown key; did you mean “secret”?"),
    ('DEMO_HOST = "host"', 'DEMO_HOST = "hots"', "the file: the credential has no field “hots”"),
    ("[provision.environment]", '[provision]\nhook = "aws"\n[provision.environment]', "provision: "),
    ("[provision.environment]", '[provision]\nhook = "frob"\n[provision.x]', "provision"),
    ('runs = "demo"', 'runs = "bin/demo"', "executable[0]: runs is the name of one command"),
    ('["help"]', "[]", "executable[0].needs_auth.not: an empty list is no rule"),
    ("{ not =", "{ nott =", "executable[0].needs_auth.nott: unknown key; did you mean “not”?"),
    ("[credential]", "[credential", "not TOML: "),
    (
        "[provision.environment]",
        '[provision]\nfixed = { "A=" = "x" }\n[provision.environment]',
        "provision: environment, fixed and remove name",
    ),
    (
        "[provision.environment]",
        '[provision]\nremove = [""]\n[provision.environment]',
        "provision: environment, fixed",
    ),
    (
        "[provision.environment]",
        '[provision]\nfixed = { A = "\\u0000" }\n[provision.environment]',
        "provision: ",
    ),
    (
        "[provision.environment]",
        '[provision]\nremove = ["DEMO_HOST"]\n[provision.environment]',
        "provision: one variable stands in two",
    ),
    (
        "needs_auth = {",
        'any_credential = "yes"\nneeds_auth = {',
        "executable[0].any_credential: expected true or false, got text",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), BROKEN)
def test_an_error_names_file_key_and_expectation(old: str, new: str, expected: str) -> None:
    assert old in SOUND
    with pytest.raises(ConfigurationError) as caught:
        parsed(SOUND.replace(old, new, 1))
    without_line = re.sub(r"^demo\.toml: line \d+: ", "demo.toml: ", caught.value.message)
    assert without_line.startswith(f"demo.toml: {expected}")
    assert "\n" not in caught.value.message


def test_a_file_that_is_no_text() -> None:
    with pytest.raises(ConfigurationError, match=r"demo\.toml: not UTF-8"):
        parse(b"\xff", "demo.toml")


def test_a_profile_option_has_to_be_declared() -> None:
    words = '[executable.profile]\noption = "--profile"\nvariables = ["P"]\nin_child = "hidden"\n'
    with pytest.raises(ConfigurationError, match=r"executable\[0\]: the profile's option is one of"):
        parsed(SOUND + words)
    declared = SOUND + '[executable.options]\nvalued = ["--profile"]\n' + words
    assert parsed(declared).executables[0].profile is not None
    other = declared.replace(
        'in_child = "hidden"', 'in_child = "hidden"\nvariables_by_version = { 1 = ["Q"] }'
    )
    with pytest.raises(ConfigurationError, match="variables_by_version"):
        parsed(other)


USER = """
name = "user"
platform = "User"
uses = "demo"

[[executable]]
runs = "user"
name = "User CLI"
needs_auth = { not = { command = ["help"] } }
"""


def using(text: str = USER) -> Plugin:
    return parse(text.encode(), "user.toml", lambda name: parsed() if name == "demo" else parse_user(name))


def parse_user(name: str) -> Plugin:
    return parse(USER.replace('"user"', f'"{name}"').encode(), "other.toml", lambda _: parsed())


def test_a_plugin_that_uses_the_credential_of_another() -> None:
    plugin, other = using(), parsed()
    assert (plugin.name, plugin.owner, plugin.tag) == ("user", "demo", other.tag)
    assert plugin.credential == other.credential
    assert (plugin.importers, plugin.provision, plugin.reads) == (
        other.importers,
        other.provision,
        other.reads,
    )
    own = using(USER + '[provision.environment]\nUSER_TOKEN = "token"\n')
    assert own.provision.environment == {"USER_TOKEN": "token"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('uses = "demo"', "uses = 1", "uses: expected the name of another plugin"),
        ('uses = "demo"', 'uses = "../x"', "uses: expected the name of another plugin"),
        ('uses = "demo"', 'uses = "user"', "uses: expected the name of another plugin"),
        ('uses = "demo"', 'uses = "third"', "uses: expected a plugin with a credential of its own"),
        ('uses = "demo"', 'uses = "demo"\n[credential]\nname = "x"', "credential: expected nothing"),
        ('uses = "demo"', 'uses = "demo"\n[[import]]\nhook = "aws-files"', "import: expected nothing"),
        ('uses = "demo"', 'uses = "demo"\nused = "x"', "line 5: used: unknown key; did you mean “uses”?"),
        ('uses = "demo"', "", "the file: the key “credential” is missing"),
    ],
)
def test_what_such_a_file_may_not_say(old: str, new: str, expected: str) -> None:
    assert old in USER
    with pytest.raises(ConfigurationError) as caught:
        using(USER.replace(old, new, 1))
    assert caught.value.message.startswith(f"user.toml: {expected}")


def test_its_labels_are_those_of_the_other() -> None:
    with pytest.raises(ConfigurationError, match="the credential has no field “frob”"):
        using(USER + '[provision.environment]\nX = "frob"\n')


def test_the_hook_aws_stands_alone() -> None:
    hook = SOUND.replace(
        '[provision.environment]\nDEMO_TOKEN = "token"\nDEMO_HOST = "host"', '[provision]\nhook = "aws"'
    )
    assert parsed(hook).provision.hook == "aws"
    for more in ('fixed = { A = "x" }', 'remove = ["A"]'):
        with pytest.raises(ConfigurationError, match="the hook aws stands alone"):
            parsed(hook.replace('hook = "aws"', f'hook = "aws"\n{more}'))


@pytest.mark.parametrize(
    "aliases", ['{ "-p" = "--other" }', '{ "--profile" = "--profile" }', '{ "p" = "--profile" }']
)
def test_an_alias_is_another_name_of_an_option_with_a_value(aliases: str) -> None:
    options = '[executable.options]\nvalued = ["--profile"]\naliases = '
    assert parsed(SOUND + options + '{ "-p" = "--profile" }').executables[0].options.aliases
    with pytest.raises(ConfigurationError, match=r"executable\[0\]\.options: an (alias|option) is"):
        parsed(SOUND + options + aliases)
