"""Each dialect of INI against the reader that it is named for: thousands of odd values, read alike."""

import configparser
import json
import random
import re
import subprocess
from pathlib import Path

import pytest

from keyturn.plaintext.formats import FORMATS
from tests.parts import needs

SEED = 20


def odd_values(count: int) -> list[str]:
    """What may stand behind a `=`: mostly the characters that mean something to somebody."""
    draw = random.Random(SEED)
    return ["".join(draw.choices("\"'#;\\`ab %=:[$]\t", k=draw.randint(1, 9))) for _ in range(count)]


def read(form: str, text: str) -> dict[str, str]:
    return {entry.path[1]: entry.value.reveal() for entry in FORMATS[form].entries(text)}


def lines(values: list[str]) -> str:
    return "[client]\n" + "".join(f"k{number} = {value}\n" for number, value in enumerate(values))


def test_mysql(tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_text(lines(odd_values(3000)))
    done = subprocess.run(
        [needs("my_print_defaults"), f"--defaults-file={path}", "client"], capture_output=True, check=True
    )
    printed = done.stdout.decode().removesuffix("\n")
    real = dict(re.findall(r"--(k\d+)=((?:.|\n)*?)(?=\n--k\d+|\Z)", printed))
    assert read("ini-mysql", path.read_text()) == {key: value for key, value in real.items() if value}
    assert len(real) > 2900


# The reader that npm itself uses, wherever that is.
INI = """
const ini = require('module').createRequire(require('fs').realpathSync(process.argv[1]))('ini');
const values = JSON.parse(require('fs').readFileSync(0));
console.log(JSON.stringify(values.map(each => ini.parse('k = ' + each + '\\n').k)));
"""


def test_npm() -> None:
    values = odd_values(3000)
    done = subprocess.run(
        [needs("node"), "-e", INI, needs("npm")],
        input=json.dumps(values).encode(),
        capture_output=True,
        check=True,
    )
    real = json.loads(done.stdout)
    for value, said in zip(values, real, strict=True):
        found = {} if said is None or not str(said).strip() else {"k": str(said).strip()}
        assert read("npmrc", f"k = {value}\n") == found, value


@pytest.mark.parametrize("form", ["ini", "ini-interpolated"])
def test_configparser(form: str) -> None:
    values = [value for value in odd_values(3000) if not (form == "ini-interpolated" and "%(" in value)]
    if form == "ini-interpolated":
        # A single one is an error.
        values = [value.replace("%", "%%") for value in values]
    text = lines(values)
    parser = configparser.RawConfigParser() if form == "ini" else configparser.ConfigParser()
    parser.read_string(text)
    assert read(form, text) == {key: value for key, value in parser["client"].items() if value}


# As gopkg.in/ini.v1 1.67.0 read it, which is no part of a machine that tests run on: what stands there, what
# it says.
GO = [
    ("a#b", "a"),
    ("a ; b", "a"),
    ("'a'", "a"),
    ('"a"', "a"),
    ("'a'b'", "'a'b'"),
    ('"a#b"', '"a'),
    ("`a#b`", "a#b"),
    ("`a`b", "a"),
    ('"""a;"b"""', 'a;"b'),
    ("a:b=c", "a:b=c"),
    ("'", "'"),
    ("''", ""),
    ("a\\b", "a\\b"),
    ("[a]", "[a]"),
]


@pytest.mark.parametrize(("written", "said"), GO)
def test_go(written: str, said: str) -> None:
    wanted = {"k": said} if said else {}
    assert read("ini-go", f"[s]\nk = {written}\n\tz = 1\n") == {**wanted, "z": "1"}
