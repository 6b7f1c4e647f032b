"""What is wrong with a file is said with its line, its key and what was expected."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from keyturn.catalogue import loader
from keyturn.sdk import complaints
from keyturn.sdk.schema import Plugin
from tests.sdk.test_schema import SOUND


def complaint(text: str) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(tomllib.loads(text), Plugin)
    return complaints.of_value(caught.value, Plugin, text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("runs =", "rnus =", "executable[0].rnus: unknown key; did you mean “runs”?"),
        (
            "[provision.environment]",
            "[provision.enviroment]",
            "provision.enviroment: unknown key; did you mean “env",
        ),
        ("secret = true", 'secret = "yes"', "credential.field[0].secret: expected true or false, got text"),
        (
            "secret = true",
            "composition = { prefx = 'x' }",
            "credential.field[0].composition.prefx: unknown key; did",
        ),
        (
            "optional = true",
            "xyz = true",
            "credential.field[1].xyz: unknown key; known here: aka, asked, composition",
        ),
        ('DEMO_HOST = "host"', "DEMO_HOST = 3", "provision.environment[...]: expected "),
        ('name = "demo"', 'name = "Demo"', "the file: name is 1 to 32 of a-z, 0-9 and -"),
        (
            "optional = true",
            'aka = "x"',
            "credential.field[1].aka: expected a list, got text",
        ),
        (
            "secret = true",
            'composition = { charset = ["digit"] }',
            "credential.field[0].composition.charset[0]: expec",
        ),
        ("[[import]]\n", "[[imports]]\n", "imports: unknown key; did you mean “import”?"),
        (
            "[[credential.field]]",
            "[[credential.feld]]",
            "credential.feld: unknown key; did you mean “field”?",
        ),
        ('DEMO_HOST = "host"', 'DEMO_HOST = "hots"', "the file: the credential has no field “hots”"),
    ],
)
def test_the_line_and_the_key_are_named(old: str, new: str, said: str) -> None:
    text = SOUND.replace(old, new, 1)
    assert text != SOUND
    got = complaint(text)
    number = 1 + text[: text.index(new)].count("\n")
    # Of a table whose keys are free the parser does not say which key it was.
    lines = (number, number - 2) if "[...]" in said else (number,)
    assert any(got.startswith(f"line {each}: {said}") for each in lines), got


def test_the_words_that_are_expected_are_named() -> None:
    said = complaint(SOUND.replace("secret = true", 'composition = { charset = ["digit"] }'))
    assert said.endswith("charset[0]: expected one of digits, lowercase, uppercase; did you mean “digits”?")


def test_a_table_in_place_of_a_list_of_tables() -> None:
    said = complaint(SOUND.replace("[[executable]]", "[executable]"))
    assert said.endswith("executable: expected a list, got a table: it is written [[executable]]")


def test_a_missing_key_is_looked_for_at_its_table() -> None:
    text = SOUND.replace('label = "host"\n', "")
    number = [at for at, line in enumerate(text.splitlines(), 1) if line == "[[credential.field]]"][1]
    assert complaint(text) == f"line {number}: credential.field[1]: the key “label” is missing"


def test_what_is_no_toml_is_said_without_the_text() -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads('a = 1\nb = "secret')
    assert complaints.of_syntax(caught.value).startswith("at the end: not TOML: ")
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads("a = 1\nb = secret\n")
    assert complaints.of_syntax(caught.value).startswith("line 2: not TOML: ")
    assert "secret" not in complaints.of_syntax(caught.value)


def test_every_key_of_every_plugin_is_found_on_its_line() -> None:
    """Checked against the parser itself: a wrong value at that line breaks exactly that key."""
    seen = 0
    for path in sorted(loader.BUILT_IN.glob("*.toml")):
        text = path.read_text()
        for place, executable in enumerate(tomllib.loads(text)["executable"]):
            number = complaints.line_of(text, f"executable[{place}].runs")
            assert number is not None
            assert text.splitlines()[number - 1].split("=")[1].strip() == f'"{executable["runs"]}"'
            seen += 1
    assert seen >= len(list(loader.BUILT_IN.glob("*.toml"))) > 0


def test_a_key_that_is_not_there_has_no_line() -> None:
    assert complaints.line_of(SOUND, "nothing.like[3].it") is None
    assert complaints.line_of("", "name") is None


def test_the_nearest_line_counts() -> None:
    assert complaints.line_of("[a.b]\nc = 1\n[a]\nd = 1\n", "a.b.c") == 2


def test_a_list_in_a_list_is_counted_anew() -> None:
    text = "[[a]]\n[[a.b]]\n[[a.b]]\n[[a]]\n[[a.b]]\nx = 1\n"
    assert complaints.line_of(text, "a[1].b[0].x") == 6
    assert complaints.line_of(text, "a[0].b[1].x") == 3
