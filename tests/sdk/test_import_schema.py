"""What an `[[import]]` may say, and that what it may not is named."""

from typing import get_args

import pytest

from keyturn.ground.errors import ConfigurationError
from keyturn.plaintext.formats import FORMATS
from keyturn.sdk import schema
from keyturn.sdk.import_schema import Format, Importer

HEAD = """
name = "x"
platform = "X"
[credential]
name = "token"
title = "Token"
[[credential.field]]
label = "token"
secret = true
[provision.environment]
X_TOKEN = "token"
[[executable]]
runs = "x"
name = "X"
needs_auth = { not = { no_arguments = true } }
[[import]]
"""
FILE = 'files = ["~/f"]\nformat = "json"\nfields = { token = "t" }\n'


def parse(text: str) -> Importer:
    [found] = schema.parse((HEAD + text).encode(), "x.toml").importers
    return found


def test_the_formats_are_those_that_can_be_read() -> None:
    assert set(get_args(Format)) == {*FORMATS, "regex"} - {"shell", "fish"}


def test_what_an_importer_fills() -> None:
    assert list(parse('environment = { A = "token", B = "token" }').labels()) == ["token", "token"]
    several = parse('any_environment = ["A", "B"]\nfield = "token"')
    assert several.variables() == ({"A": "token"}, {"B": "token"})
    assert list(several.labels()) == ["token"]
    assert list(parse(FILE).labels()) == ["token"]
    assert parse(FILE).variables() == ()
    assert parse(f'hook = "aws-files"\n{FILE}').files == ("~/f",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an importer has exactly one of"),
        ('environment = { A = "token" }\n' + FILE, "an importer has exactly one of"),
        ('hook = "aws-files"\nenvironment = { A = "token" }', "a hook stands alone or beside files"),
        ("environment = {}", "environment names at least one variable"),
        ('environment = { "A=B" = "token" }', "environment maps names of variables"),
        ('environment = { A = "" }', "environment maps names of variables"),
        ('environment = { A = "other" }', "the credential has no field “other”"),
        ('any_environment = ["A"]', "any_environment and field go together"),
        ('any_environment = [""]\nfield = "token"', "any_environment has names of variables"),
        ('any_environment = ["A"]\nfield = "other"', "the credential has no field “other”"),
        ('environment = { A = "token" }\nat = ["a"]', "go with files"),
        ('environment = { A = "token" }\nhint = "@key"', "go with files"),
        (FILE.replace("~/f", "f"), "files begin with ~/, / or $NAME"),
        (FILE.replace("~/f", "$"), "files begin with ~/, / or $NAME"),
        (FILE.replace('format = "json"\n', ""), "files need format and fields"),
        ('files = ["~/f"]\nformat = "json"', "files need format and fields"),
        (FILE.replace("json", "xml"), "format"),
        (FILE.replace("token =", "other ="), "the credential has no field “other”"),
        (FILE + 'pattern = "x"', "pattern goes with the format regex"),
        (FILE.replace("json", "regex"), "pattern goes with the format regex"),
        (
            FILE.replace("json", "regex") + 'pattern = "x"',
            "pattern is a regular expression with named groups",
        ),
        (FILE.replace("json", "regex") + 'pattern = "(?P<t>"', "pattern is a regular expression"),
        (FILE + 'need = ["host"]', "name labels that the importer fills"),
        (FILE + 'also_removed = ["host"]', "name labels that the importer fills"),
        (FILE + 'at = ["*-*"]', "a step of at has one * at the most"),
        (FILE + "where = { t = [] }", "where has patterns for each key"),
        (FILE + 'where = { t = ["*a*"] }', "where has patterns for each key"),
        (FILE.replace('"t"', '"@key"'), "@key is none of @value"),
        (FILE.replace('"t"', '"@2"') + 'at = ["*"]', "@2 is none of @value"),
        (FILE.replace('"t"', '"@vlaue"'), "@vlaue is none of @value"),
        (FILE.replace('"t"', '""'), "a key is not empty"),
        (FILE.replace('"t"', "[]"), "a key is not empty"),
        (FILE.replace('"t"', "{}"), "exactly one of key, constant, in"),
        (FILE.replace('"t"', '{ key = "a", constant = "b" }'), "exactly one of key, constant, in"),
        (FILE.replace('"t"', '{ in = ["a", "*"], match = "b" }'), "in goes with match, with and take"),
        (FILE.replace('"t"', '{ key = "a", match = "b" }'), "in goes with match, with and take"),
        (FILE.replace('"t"', '{ key = "a", part = "path" }'), "part"),
        (FILE.replace('"t"', '{ key = "a", prefix = "b" }'), "prefix"),
        (FILE + "merge = 1", "merge"),
        (FILE.replace('"t"', "5"), "fields"),
    ],
)
def test_what_it_may_not_say(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert caught.value.message.startswith("x.toml: ")
    assert said in caught.value.message
    assert "import" in caught.value.message or "the credential has no field" in caught.value.message
    assert "\n" not in caught.value.message
