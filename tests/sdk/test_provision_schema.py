"""The provision tables of a plugin file: strict, and an error names the place."""

from __future__ import annotations

import msgspec
import pytest

from keyturn.ground.errors import ConfigurationError
from keyturn.sdk.provision_schema import (
    ArgumentDefinition,
    Entry,
    FileDefinition,
    Provision,
    fill,
    placeholders,
)
from keyturn.sdk.schema import Plugin, parse

WHOLE = """
name = "demo"
platform = "Demo"

[credential]
name = "login"
title = "Login"

[[credential.field]]
label = "user"

[[credential.field]]
label = "password"
secret = true

[[credential.field]]
label = "host"
optional = true

[provision]
environment = { DEMO_HOST = "host", DEMO_AUTH = { field = "password", prefix = "Bearer ", unless = ["-a"] } }
fixed = { DEMO_MODE = "x" }
remove = ["DEMO_OLD"]

[[provision.file]]
name = "demo/my.cnf"
format = "ini"
content = [
  { section = "client", key = "user", field = "user" },
  { section = "client", key = "password", field = "password" },
]
path_variable = "DEMO_FILE"
arguments = ["--file={path}"]

[[provision.file]]
name = "demo.json"
format = "json"
content = [
  { key = ["logins", 0, "password"], field = "password" },
  { key = ["logins", 0, "default"], value = true },
]
directory_variable = "DEMO_DIR"
lifetime = "tree"
pipe = true

[[provision.argument]]
words = ["--password", "{password}"]
unless = ["-p"]
position = "after-command"
warning = "it takes no variable"

[[executable]]
runs = "demo"
name = "Demo"
needs_auth = { not = { no_arguments = true } }

[[executable]]
runs = "democtl"
name = "Demo control"
needs_auth = { not = { no_arguments = true } }
file_lifetime = "tree"
[executable.provision]
environment = { DEMOCTL = "password" }
"""


def parsed(text: str = WHOLE) -> Plugin:
    return parse(text.encode(), "demo.toml")


def test_all_ways_together_and_one_of_its_own_for_an_executable() -> None:
    plugin = parsed()
    assert [file.name for file in plugin.provision.files] == ["demo/my.cnf", "demo.json"]
    assert plugin.provision.variables["DEMO_AUTH"].prefix == "Bearer "
    assert plugin.provision_for("demo") is plugin.provision
    assert plugin.provision_for("something else") is plugin.provision
    assert plugin.provision_for("democtl").environment == {"DEMOCTL": "password"}


def test_its_warnings_name_the_command() -> None:
    assert parsed().warnings() == ("demo: it takes no variable",)


FILE, ARGUMENT = "provision.file[0]: ", "provision.argument[0]: "
ENTRY, OWN = "provision.file[0].content[0]: ", "executable[1].provision: "
BROKEN = [
    ('name = "demo/my.cnf"', 'name = "/etc/my.cnf"', FILE + "name is"),
    ('name = "demo/my.cnf"', 'name = "../my.cnf"', FILE + "name is"),
    ('name = "demo/my.cnf"', 'name = "a/./b"', FILE + "name is"),
    ('name = "demo/my.cnf"', 'name = "a b"', FILE + "name is"),
    ('name = "demo/my.cnf"', 'name = "-x"', FILE + "name is"),
    ('name = "demo/my.cnf"', 'name = "a/b/c/d/e"', FILE + "name is"),
    ('name = "demo/my.cnf"', 'name = "demo.json/x"', "provision: two files have names"),
    ('name = "demo/my.cnf"', 'name = "demo.json"', "provision: two files have names"),
    ('format = "ini"', 'format = "xml"', "provision.file[0].format: "),
    ('path_variable = "DEMO_FILE"\narguments = ["--file={path}"]', "", FILE + "a tool is told"),
    ('path_variable = "DEMO_FILE"', 'path_variable = "A=B"', FILE + "path_variable"),
    ('path_variable = "DEMO_FILE"', 'path_variable = "DEMO_MODE"', "provision: one variable stands in two"),
    ('["--file={path}"]', '["--file"]', FILE + "arguments have {path}"),
    ('["--file={path}"]', '["{path}{user}"]', FILE + "arguments have {path}"),
    ('["--file={path}"]', '["{path"]', FILE + "braces come in pairs"),
    ('section = "client", key = "user"', 'key = "user"', FILE + "each entry of an ini file has a section"),
    ('section = "client", key = "user"', 'section = "a]", key = "user"', FILE + "keys and sections"),
    ('key = "user", field', 'key = "a = b", field', FILE + "keys and sections"),
    ('key = "user", field', 'key = ["a", "b"], field', FILE + "a list of keys"),
    ('key = "user", field', 'key = "password", field', FILE + "one key stands in content twice"),
    ('key = "user", field = "user"', 'key = "user", value = 1', FILE + "a value that is no text"),
    ('key = "user", field = "user"', 'key = "user", value = "", field = "user"', ENTRY),
    ('key = "user", field = "user"', 'key = "user"', ENTRY + "an entry has exactly one"),
    ('key = "user", field = "user"', 'key = "user", value = "x", prefix = "y"', ENTRY),
    ('field = "user"', 'field = "usr"', "the file: the credential has no field “usr”"),
    ('["logins", 0, "default"]', '["logins", 0]', "provision.file[1]: a key has a value and leads on"),
    ('["logins", 0, "default"]', '["logins", "x"]', "provision.file[1]: names and numbers"),
    ('["logins", 0, "default"]', '[0, "x"]', "provision.file[1].content[1]: a list of keys begins"),
    ('lifetime = "tree"\npipe', 'lifetime = "ever"\npipe', "provision.file[1].lifetime"),
    ("pipe = true", 'pipe = "never"', "provision.file[1].pipe"),
    ("pipe = true", 'separator = ":"', "provision.file[1]: separator goes with"),
    ('"{password}"', '"x"', ARGUMENT + "words have the label"),
    ('["--password", "{password}"]', "[]", ARGUMENT + "words are arguments"),
    ('["--password", "{password}"]', '["--", "{password}"]', ARGUMENT + "words have no bare --"),
    ('warning = "it takes no variable"', "", "the file: an argument with a secret in it needs a warning"),
    ('"{password}"]', '"{user}"]', "the file: a warning goes with an argument that has a secret"),
    ('warning = "it', 'warning = "\\nit', ARGUMENT + "warning is one line"),
    ('unless = ["-p"]', 'unless = ["p"]', ARGUMENT + "an option is written with its dashes"),
    ('unless = ["-a"]', 'unless = ["a"]', "provision.environment[...]: an option is written"),
    ('prefix = "Bearer "', 'prefix = "\\u0000"', "provision.environment[...]: prefix and suffix"),
    ('DEMO_HOST = "host"', 'DEMO_HOST = ""', "provision: environment maps"),
    ('environment = { DEMOCTL = "password" }', 'remove = ["X"]', OWN + "provision has at least"),
    ('{ DEMOCTL = "password" }', '{ DEMOCTL = "frob" }', "the file: the credential has no field “frob”"),
    ('"--password", "{password}"', '"--password", "{frob}"', "the file: the credential has no field “frob”"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), BROKEN)
def test_an_error_names_file_key_and_expectation(old: str, new: str, expected: str) -> None:
    assert old in WHOLE
    with pytest.raises(ConfigurationError) as caught:
        parsed(WHOLE.replace(old, new, 1))
    assert "demo.toml: " in caught.value.message
    assert expected in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{ key = "login", field = "user" }', "begins with the key machine"),
        ('{ key = "machine", value = "h" }, { key = "user", field = "user" }', "the keys of a netrc file"),
        ('{ key = "machine", value = "h" }', "at least one entry with a field"),
    ],
)
def test_a_netrc_file_has_its_own_keys(content: str, expected: str) -> None:
    start = WHOLE.index('format = "ini"')
    end = WHOLE.index("path_variable")
    text = WHOLE[:start] + f'format = "netrc"\ncontent = [{content}]\n' + WHOLE[end:]
    with pytest.raises(ConfigurationError, match=expected):
        parsed(text)


def test_more_files_than_anybody_needs() -> None:
    start = WHOLE.index("[[provision.file]]", WHOLE.index("[[provision.file]]") + 1)
    file = WHOLE[start : WHOLE.index("[[provision.argument]]")]
    many = "".join(
        file.replace("demo.json", f"f{number}").replace("DEMO_DIR", f"F{number}") for number in range(17)
    )
    with pytest.raises(ConfigurationError, match="16 files at the most"):
        parsed(WHOLE.replace("[[provision.argument]]", many + "[[provision.argument]]"))


def test_placeholders() -> None:
    assert list(placeholders(["a{b}{c d}", "e"])) == ["b", "c d"]
    assert fill("{a}-{b}", {"a": "{b}", "b": "x"}) == "{b}-x", "what is filled in is not looked at again"


TOLD_BY_ARGUMENT = FileDefinition("f", "text", (Entry(field="token"),), arguments=("--file={path}",))


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (Provision(environment={"TOKEN": "token"}), True),
        (Provision(hook="npm"), True),
        (Provision(files=(msgspec.structs.replace(TOLD_BY_ARGUMENT, path_variable="FILE"),)), True),
        (Provision(environment={"TOKEN": "token"}, files=(TOLD_BY_ARGUMENT,)), False),
        (Provision(files=(TOLD_BY_ARGUMENT,)), False),
        (Provision(arguments=(ArgumentDefinition(("--user", "{user}")),)), False),
    ],
)
def test_what_a_command_of_another_plugin_can_get(tables: Provision, expected: bool) -> None:
    """Its arguments are of its own commands."""
    assert tables.is_for_any_command is expected
