"""What is known of each tool finds what the tool would have written, and it can be taken out."""

from dataclasses import replace
from pathlib import Path

import pytest

from keyturn.catalogue import loader, plaintext, scanning
from keyturn.catalogue.plaintext import Tool
from keyturn.ground.errors import ConfigurationError
from keyturn.plaintext.formats import take_out
from keyturn.sdk.import_schema import Importer
from keyturn.sdk.schema import FieldDefinition
from tests.catalogue import plaintext_samples as samples

TOKEN = (FieldDefinition(label="token", secret=True),)


def named(each: object) -> str:
    return each.name if isinstance(each, Tool) else str(each if isinstance(each, int) else each[0][0])  # type: ignore[index]


def test_there_are_enough_tools() -> None:
    with_files = {tool.name for tool, _ in samples.FILES}
    assert len(with_files) >= 25
    assert len(samples.VARIABLES) > 80
    formats = {tool.importers[number].format for tool, number in samples.FILES}
    assert formats >= {"ini", "ini-comments", "npmrc", "json", "yaml", "toml", "netrc", "pgpass", "text"}


@pytest.mark.parametrize(("tool", "number"), samples.FILES, ids=named)
def test_a_file_is_found_and_emptied(tool: Tool, number: int, tmp_path: Path) -> None:
    importer = tool.importers[number]
    path, environment, values = samples.made(tool, number, tmp_path)
    platform = importer.os or "linux"
    report = scanning.scan(plaintext.tools(), environment, [], platform)
    assert not report.unread
    owned = [found for found in report.found if found.source.path == path]
    [found] = owned
    assert found.tool.name == tool.name, "another tool claims it"
    assert {label: value.reveal() for label, value in found.fields.items() if label in values} == values
    if importer.format == "regex":
        assert found.stuck
        return
    assert not found.stuck
    after = take_out(found.source.format, found.source.text, found.going)
    for label in found.secrets:
        assert values[label] not in after
    path.write_text(after)
    again = scanning.scan(plaintext.tools(), environment, [], platform)
    assert not [each for each in again.found if set(each.secrets) & set(found.secrets)]
    assert not again.unread


@pytest.mark.parametrize(("tool", "variables"), samples.VARIABLES, ids=named)
def test_a_variable_is_found_and_goes(
    tool: Tool, variables: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    values = {variable: f"{variable.lower()}-EXAMPLE" for variable, _ in variables}
    path = tmp_path / "rc"
    path.write_text("# mine\n" + "".join(f"export {name}='{value}'\n" for name, value in values.items()))
    report = scanning.scan(plaintext.tools(), {"HOME": str(tmp_path)}, [(path, "shell")], "linux")
    [found] = report.found
    # Two tools may have the very same variables: psql and ysqlsh.
    same = [each.name for each, theirs in samples.VARIABLES if dict(theirs).keys() == values.keys()]
    assert found.tool.name == same[0]
    if tool.name != same[0]:
        return
    first = {label: values[name] for name, label in reversed(variables)}
    assert {label: value.reveal() for label, value in found.fields.items()} == first
    after = take_out("shell", found.source.text, found.going)
    assert not any(first[label] in after for label in found.secrets)


def test_two_tools_with_one_variable(tmp_path: Path) -> None:
    """It is the one's for which it is the first of its own, whatever the names are."""
    path = tmp_path / "rc"
    path.write_text("export GH_TOKEN=gh-EXAMPLE\n")
    before = plaintext.Tool(
        "a", "A", (), TOKEN, (Importer(any_environment=("A_TOKEN", "GH_TOKEN"), field="token"),)
    )
    other = plaintext.Tool("b", "B", (), TOKEN, (Importer(any_environment=("GH_TOKEN",), field="token"),))
    plugin = loader.load("hcloud")
    for tools in ([before, other], [other, before]):
        those = [replace(tool, plugin=plugin) for tool in tools]
        report = scanning.scan(those, {"HOME": str(tmp_path)}, [(path, "shell")], "linux")
        assert [found.tool.name for found in report.found] == ["b"]


TOOL = '[[tool]]\nname = "x"\ntitle = "X"\ncommands = ["x"]\nknown = "facts"\nsecret = ["token"]\n'
FILE = '[[tool.import]]\nfiles = ["~/x"]\nformat = "json"\nfields = { token = "t" }\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TOOL + FILE, ""),
        (TOOL + FILE + "more = 1\n", "tool[0].import[0]: object contains unknown field `more`"),
        (TOOL, "tool[0]: object missing required field `import`"),
        (TOOL.replace("secret", "import = []\nsecret"), "tool[0]: a tool has an import"),
        (TOOL + FILE.replace("~/x", "x"), "files begin with"),
        (TOOL + FILE.replace('"json"', '"xml"'), "invalid enum value"),
        (TOOL.replace('"facts"', '"documentation"') + FILE, "url says where"),
        (TOOL.replace('"x"\ntitle', '"X/"\ntitle') + FILE, "name is 1 to 32"),
        (TOOL + FILE + TOOL + FILE, "expected each name once"),
        (TOOL.replace('["token"]', "[]") + FILE, "secret names at least one label"),
        (TOOL.replace('["token"]', '["other"]') + FILE, "each import fills at least one secret label"),
        (TOOL + '[[tool.import]]\nhook = "aws-files"\n', "only a plugin's import has a hook"),
        ("[", "not TOML"),
    ],
)
def test_a_mistake_is_named(content: str, said: str) -> None:
    if not said:
        assert plaintext.parse(content.encode(), "file.toml")
        return
    with pytest.raises(ConfigurationError) as caught:
        plaintext.parse(content.encode(), "file.toml")
    assert caught.value.message.startswith("file.toml: ")
    assert said in caught.value.message
    assert "\n" not in caught.value.message
