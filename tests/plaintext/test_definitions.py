"""The data file: each entry of it finds what a tool would have written, and it can be taken out."""

from pathlib import Path

import pytest

from keyturn.catalogue import loader
from keyturn.catalogue import plaintext as catalogue
from keyturn.ground.errors import ConfigurationError
from keyturn.plaintext import definitions, scanning
from keyturn.plaintext.definitions import Tool
from keyturn.plaintext.formats import take_out
from tests.plaintext import samples


def test_there_are_enough_tools() -> None:
    with_files = [tool for tool in samples.TOOLS.values() if tool.files]
    assert len(with_files) >= 25
    assert len(samples.VARIABLES) > 80
    formats = {file.format for tool in with_files for file in tool.files}
    assert formats >= {"ini", "ini-comments", "npmrc", "json", "yaml", "toml", "netrc", "pgpass", "token"}


@pytest.mark.parametrize(("tool", "number"), samples.FILES, ids=lambda each: getattr(each, "name", str(each)))
def test_a_file_is_found_and_emptied(tool: Tool, number: int, tmp_path: Path) -> None:
    path, environment, values = samples.made(tool, number, tmp_path)
    report = scanning.scan(catalogue.tools(), environment, [])
    assert not report.unread
    owned = [found for found in report.found if found.source.path == path]
    [found] = owned
    assert found.tool.name == tool.name, "another tool claims it"
    assert not found.stuck
    assert {label: value.reveal() for label, value in found.fields.items() if label in values} == values
    after = take_out(found.source.format, found.source.text, found.going)
    for label in found.secrets:
        assert values[label] not in after
    path.write_text(after)
    again = scanning.scan(catalogue.tools(), environment, [])
    assert not [each for each in again.found if set(each.secrets) & set(found.secrets)]
    assert not again.unread


@pytest.mark.parametrize(
    ("tool", "number"), samples.VARIABLES, ids=lambda each: getattr(each, "name", str(each))
)
def test_a_variable_is_found_and_goes(tool: Tool, number: int, tmp_path: Path) -> None:
    fields = tool.variables[number]
    keys = {**fields.taken, **fields.beside}
    values = samples.values(fields)
    path = tmp_path / "rc"
    path.write_text(
        "# mine\n" + "".join(f"export {keys[label]}='{value}'\n" for label, value in values.items())
    )
    report = scanning.scan(catalogue.tools(), {"HOME": str(tmp_path)}, [(path, "shell")])
    [found] = report.found
    assert found.tool.name == tool.name
    assert {label: value.reveal() for label, value in found.fields.items()} == values
    after = take_out("shell", found.source.text, found.going)
    assert not any(values[label] in after for label in fields.taken)


def test_labels_of_plugins_are_used() -> None:
    """What has a plugin becomes an item of it: with all the fields that it requires."""
    for name in set(loader.credentials()) & set(samples.TOOLS):
        required = {field.label for field in loader.load(name).credential.fields if not field.optional}
        for file in samples.TOOLS[name].files:
            assert required <= {*file.fields.taken, *file.fields.beside}, name


TOOL = '[[tool]]\nname = "x"\ntitle = "X"\ncommands = ["x"]\nknown = "facts"\n'
FILE = '[[tool.file]]\nplaces = ["~/x"]\nformat = "json"\nfields = { secret = { token = "t" } }\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TOOL + FILE, ""),
        (TOOL + FILE + "more = 1\n", "tool[0].file[0]: object contains unknown field `more`"),
        (TOOL, "tool[0]: a tool has a file or variables"),
        (TOOL + FILE.replace("~/x", "/etc/x"), "places begin with"),
        (TOOL + FILE.replace('"json"', '"xml"'), "format is one of"),
        (TOOL.replace('"facts"', '"documentation"') + FILE, "url says where"),
        (TOOL.replace('"x"\ntitle', '"X/"\ntitle') + FILE, "name is 1 to 32"),
        (TOOL + FILE + TOOL + FILE, "expected each name once"),
        (TOOL + FILE.replace("{ token", "{}, open = { token"), "at least one secret"),
        (TOOL + FILE.replace("} }", '}, optional = ["token"] }'), "one secret at least"),
        (TOOL + FILE.replace("} }", '}, optional = ["other"] }'), "optional and refuse name labels"),
        ("[", "not TOML"),
    ],
)
def test_a_mistake_is_named(content: str, said: str) -> None:
    if not said:
        assert definitions.parse(content.encode(), "file.toml")
        return
    with pytest.raises(ConfigurationError) as caught:
        definitions.parse(content.encode(), "file.toml")
    assert caught.value.message.startswith("file.toml: ")
    assert said in caught.value.message
    assert "\n" not in caught.value.message
