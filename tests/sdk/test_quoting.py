"""What is written for a value is read as that value, by readers that are not ours; or it is refused."""

from __future__ import annotations

import configparser
import json
import netrc
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyturn.sdk import quoting
from keyturn.sdk.quoting import RefusedError
from tests.parts import needs

HOSTILE = [
    *("it's", '"quoted"', "'single'", "'", '"', "x'", "`x`", "\\", "a\\nb", "ends with \\"),
    *("a#b", 'a"#b', "#a", "a # b", "a ;b", "!include", "[x]", "=", "a=b", ":", "a: b", "{a}", "a,b", "~"),
    *("100%", "%(user)s", "%%", "${HOME}", "$(id)", "true", "null", "no", "0x1", "1e3", ""),
    *("two\nlines", "a\r", "tab\there", " lead", "trail ", "\x00", "\x1b[1m", "\x7f", "\x85", "\u2028"),
    *("ümläut ☃ 𝄞", "à", "\u00a0", "\ufeff", "-rf", "--", "--user=root"),
]
TEXT = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=60), st.lists(st.sampled_from(HOSTILE)).map("".join)
)
LINE_FORMATS = ("ini", "ini-interpolated", "ini-go", "ini-mysql", "npmrc", "lines", "netrc")


def written(form: str, value: str) -> str | None:
    try:
        return quoting.quoted(form, value)
    except RefusedError:
        return None


@given(st.sampled_from(LINE_FORMATS), st.text(min_size=12))
def test_a_refusal_does_not_repeat_the_value(form: str, value: str) -> None:
    try:
        quoting.quoted(form, value)
    except RefusedError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert value not in refusal


@given(st.sampled_from(LINE_FORMATS), TEXT)
@settings(max_examples=400)
def test_what_is_written_is_one_line(form: str, value: str) -> None:
    text = written(form, value)
    assert text is None or len((text + "x").splitlines()) == 1


@pytest.mark.parametrize("form", LINE_FORMATS)
def test_tokens_are_written_as_they_are(form: str) -> None:
    """The file is what a person would have written, and another reader than the one meant takes it."""
    token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a+/=.~:@-EXAMPLE"
    assert quoting.quoted(form, token) == token


@pytest.mark.parametrize("form", LINE_FORMATS)
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "\x00", "\ud800"])
def test_no_format_of_lines_takes_what_ends_a_line(form: str, value: str) -> None:
    text = written(form, value)
    # npm's are JSON and MySQL's have escapes: they can.
    assert text is None or (form in ("npmrc", "ini-mysql") and "\\" in text)


@given(TEXT)
@settings(max_examples=400)
def test_configparser(value: str) -> None:
    for form, parser in (
        ("ini", configparser.RawConfigParser()),
        ("ini-interpolated", configparser.ConfigParser()),
    ):
        text = written(form, value)
        if text is None:
            continue
        parser.read_string(f"[s]\nkey = {text}\nother = x\n")
        assert parser.get("s", "key") == value
        assert parser.get("s", "other") == "x"


@given(TEXT)
@settings(max_examples=400)
@example("\U0001f600")
def test_json_yaml_and_toml_take_all_text(value: str) -> None:
    assert json.loads(quoting.in_json(value)) == value
    assert tomllib.loads(f"k = {quoting.in_toml(value)}\nz = 1") == {"k": value, "z": 1}
    assert yaml.safe_load(f"{{k: {quoting.in_yaml(value)}, z: 1}}\n") == {"k": value, "z": 1}


@pytest.mark.parametrize("value", [True, False, 0, -3, 2.5])
def test_constants_keep_their_kind(value: bool | int | float) -> None:
    assert json.loads(quoting.in_json(value)) is value or json.loads(quoting.in_json(value)) == value
    assert tomllib.loads(f"k = {quoting.in_toml(value)}") == {"k": value}
    assert yaml.safe_load(quoting.in_yaml(value)) == value


@given(st.lists(TEXT))
@settings(max_examples=200)
@example(["p@ss:w/ord+=EXAMPLE", "ümläut"])
def test_netrc(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    carried = [value for value in values if written("netrc", value) is not None]
    path = tmp_path_factory.getbasetemp() / "netrc"
    words = [
        f"machine h{number}\n  login x\n  password {quoting.quoted('netrc', value)}\n"
        for number, value in enumerate(carried)
    ]
    path.write_text("".join(words))
    path.chmod(0o600)
    found = netrc.netrc(path)
    assert [found.hosts[f"h{number}"][2] for number in range(len(carried))] == carried


def mysql_reads(path: Path, texts: list[str]) -> list[str]:
    """What MariaDB's own reader makes of the values, of one group each."""
    path.write_text("".join(f"[g]\nv{number} = {text}\n" for number, text in enumerate(texts)))
    program = needs("my_print_defaults")
    done = subprocess.run([program, f"--defaults-file={path}", "g"], capture_output=True, check=True)
    parts = re.split(r"(?:\A|\n)--v\d+=", done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n"))
    return parts[1:]


@given(st.lists(TEXT, min_size=5, max_size=60))
@settings(max_examples=40)
@example(HOSTILE)
@example(["à", "Ã ", "\u00a0", "x" * 3890, "\t", "\b"])
def test_mysql(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    carried = [value for value in values if written("ini-mysql", value) is not None]
    path = tmp_path_factory.getbasetemp() / "my.cnf"
    assert mysql_reads(path, [quoting.quoted("ini-mysql", value) for value in carried]) == carried


def test_mysql_takes_no_line_that_is_too_long() -> None:
    with pytest.raises(RefusedError, match="more than"):
        quoting.quoted("ini-mysql", "x" * 5000)


REFUSED: list[tuple[str, list[str]]] = [
    ("ini", [" a", "a ", "a\nb"]),
    ("ini-interpolated", [" a", "a\u2028"]),
    ("ini-go", ["a`b", "%(user)s", "a\nb"]),
    ("ini-mysql", ["\x00", "\x1b"]),
    ("npmrc", ["${HOME}", "true", "false", "null"]),
    ("lines", ["", " a", "'a'", '"a"', "a#b", "a;b", "a\\b", "$a", "100%", "`a`", "a\u00a0b"]),
    ("netrc", ["", "a b", "a#b", '"a"', "a\\"]),
]


@pytest.mark.parametrize(("form", "values"), REFUSED)
def test_what_readers_differ_about_is_refused(form: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(RefusedError):
            quoting.quoted(form, value)


def test_every_format_of_lines_is_looked_at_here() -> None:
    assert set(LINE_FORMATS) == set(quoting._BY_FORMAT)
    assert {form for form, _ in REFUSED} == set(LINE_FORMATS)
