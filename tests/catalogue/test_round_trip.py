"""What an importer reads from a provisioned file is what the item has, or the file was refused.

The values are any text. Each format's own reader is asked as well: it is the tool's that has to be right.
"""

import configparser
import json
import netrc
import re
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from keyturn.catalogue import selection
from keyturn.ground.names import plain_label
from keyturn.ground.secret import Secret
from keyturn.plaintext.formats import FORMATS
from keyturn.sdk import file_texts
from keyturn.sdk.file_texts import RefusedFieldError
from keyturn.sdk.import_schema import Importer, Value
from keyturn.sdk.provision_schema import Entry, FileDefinition, FileFormat
from keyturn.sdk.schema import FieldDefinition
from tests.parts import needs

FIELDS = (
    FieldDefinition(label="User", optional=True),
    FieldDefinition(label="password", secret=True),
    FieldDefinition(label="host name", optional=True),
)
LABELS = [field.label for field in FIELDS]
HOSTILE = "\"'#;%\\`$(){}[]:=,&*!|>@?~-+/<^ \t\n\r\0\x7f\x85\xa0\u2028\ufeffé€😀" + "\ud800"
WORDS = ["no", "null", "~", "true", "0x10", "1e3", "${HOME}", "$HOME", "%(user)s", "%%", "--x", "- a", "# x"]
WORDS += [
    "a #x",
    "a ;x",
    "a\\",
    "'a'",
    '"a"',
    "`a`",
    '"""',
    "\\n",
    "\\u0041",
    "machine",
    "default",
    "a: b",
    "[a]",
]
PLAIN_TEXT = st.text(alphabet="abXY019_./+:@,~=-", min_size=1, max_size=20)
VALUES = (
    PLAIN_TEXT
    | st.text(max_size=40)
    | st.text(alphabet=HOSTILE + "ab1", max_size=12)
    | st.sampled_from(WORDS)
)

KEYS = {"User": "login", "password": "password", "host name": "account"}
NESTED: dict[str, tuple[str | int, ...]] = {
    "User": ("users", 0, "a.b"),
    "password": ("users", 0, "pass word"),
    "host name": ("host",),
}
# What the provisioner writes, and the importer that reads it, for each format.
SECTIONED = Importer(
    files=("~/x",), format="ini", at=("s 1",), fields={label: (KEYS[label],) for label in LABELS}
)


def section(form: FileFormat) -> FileDefinition:
    content = [Entry(section="s 1", key=KEYS[label], field=label) for label in LABELS]
    return FileDefinition(name="x", format=form, content=tuple(content), path_variable="X")


def flat(form: FileFormat, keys: Mapping[str, str], *first: Entry) -> FileDefinition:
    content = [*first, *(Entry(key=keys[label], field=label) for label in LABELS)]
    return FileDefinition(name="x", format=form, content=tuple(content), path_variable="X")


def nested(form: FileFormat) -> FileDefinition:
    content = [Entry(key=NESTED[label], field=label) for label in LABELS]
    return FileDefinition(name="x", format=form, content=tuple(content), path_variable="X")


def importer(form: str, at: tuple[str, ...], fields: Mapping[str, Value]) -> Importer:
    return Importer(files=("~/x",), format=form, at=at, fields=dict(fields))  # type: ignore[arg-type]


PLAIN: dict[str, Value] = {label: (key,) for label, key in KEYS.items()}
DEEP: dict[str, Value] = {label: tuple(map(str, keys)) for label, keys in NESTED.items()}
NPM = {"User": "user", "password": "//r.example/:_authToken", "host name": "@s:registry"}
FORMS: dict[str, tuple[FileDefinition, Importer]] = {
    **{
        form: (section(form), importer(form, ("s 1",), PLAIN))
        for form in ("ini", "ini-interpolated", "ini-go", "ini-mysql")
    },
    "npmrc": (flat("npmrc", NPM), importer("npmrc", ("",), {label: (NPM[label],) for label in LABELS})),
    "lines": (flat("lines", KEYS), importer("lines", ("",), PLAIN)),
    "netrc": (
        flat("netrc", KEYS, Entry(key="machine", value="api.example")),
        importer("netrc", ("api.example",), PLAIN),
    ),
    "json": (nested("json"), importer("json", (), DEEP)),
    "yaml": (nested("yaml"), importer("yaml", (), DEEP)),
    "toml": (nested("toml"), importer("toml", (), DEEP)),
    "text": (
        FileDefinition(name="x", format="text", content=(Entry(field="password"),), path_variable="X"),
        importer("text", (), {"password": "@value"}),
    ),
}


def test_no_format_is_forgotten() -> None:
    assert set(FORMS) == set(get_args(FileFormat))
    # Nothing is provisioned in these; shells' files are not tools' own.
    assert set(FORMATS) - set(FORMS) == {"ini-comments", "pgpass", "shell", "fish"}


def written(form: str, values: Mapping[str, str]) -> str | None:
    """The text of the file; None if it is refused."""
    definition, _ = FORMS[form]
    try:
        text = file_texts.file_text(definition, {plain_label(k): Secret(v) for k, v in values.items()})
    except RefusedFieldError:
        return None
    assert text is not None
    return text.reveal()


def read(form: str, text: str) -> dict[str, str]:
    """What the importer finds: one credential."""
    _, reader = FORMS[form]
    entries = FORMATS[form].entries(text)
    found = list(selection.select(reader, FIELDS, form, entries))
    assert len(found) <= 1
    return {label: value.reveal() for each in found for label, value in each.fields.items()}


def items(form: str) -> st.SearchStrategy[dict[str, str]]:
    if form == "text":
        return st.fixed_dictionaries({"password": VALUES})
    return st.fixed_dictionaries({"password": VALUES}, optional={"User": VALUES, "host name": VALUES})


def expected(form: str, values: Mapping[str, str]) -> dict[str, str]:
    """What an importer may be asked to find of them: an empty value is none."""
    kept = {label: value for label, value in values.items() if value}
    if form == "text":
        # What stands around it is white space to a tool, too.
        kept = {label: value.removeprefix("\ufeff").strip() for label, value in kept.items()}
        return {label: value for label, value in kept.items() if value}
    if form == "npmrc":
        # A reference whose braces somebody forgot: the importer does not take it for a credential.
        return {label: v for label, v in kept.items() if not re.fullmatch(r"\$[A-Za-z_][A-Za-z0-9_]*", v)}
    return kept


@pytest.mark.parametrize("form", FORMS)
def test_what_is_read_is_what_was_written(form: str) -> None:
    @settings(max_examples=150)
    @given(items(form))
    def of_any_text(values: dict[str, str]) -> None:
        text = written(form, values)
        event("refused" if text is None else "written")
        if text is None:
            return
        assert read(form, text) == expected(form, values)
        check = READERS.get(form)
        if check is not None:
            assert check(text) == values, "the format's own reader"

    of_any_text()


@pytest.mark.parametrize("form", FORMS)
def test_ordinary_values_are_not_refused(form: str) -> None:
    values = {"password": "hunter2-EXAMPLE_/+=.:@x", "User": "ada", "host name": "db.example:3306"}
    values = {"password": values["password"]} if form == "text" else values
    text = written(form, values)
    assert text is not None
    assert read(form, text) == values


def of_configparser(parser: configparser.RawConfigParser) -> Callable[[str], dict[str, str]]:
    def check(text: str) -> dict[str, str]:
        parser.clear()
        parser.read_string(text)
        return {label: parser["s 1"][key] for label, key in KEYS.items() if key in parser["s 1"]}

    return check


def of_tree(parse: Callable[[str], object]) -> Callable[[str], dict[str, str]]:
    def check(text: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for label, keys in NESTED.items():
            node: object = parse(text)
            try:
                for key in keys:
                    node = node[key]  # type: ignore[index]
            except KeyError:
                continue
            assert isinstance(node, str)
            found[label] = node
        return found

    return check


READERS: dict[str, Callable[[str], dict[str, str]]] = {
    "ini": of_configparser(configparser.RawConfigParser()),
    "ini-interpolated": of_configparser(configparser.ConfigParser()),
    "json": of_tree(json.loads),
    "yaml": of_tree(yaml.safe_load),
    "toml": of_tree(tomllib.loads),
    "text": lambda text: {"password": text},
}


def carried(form: str) -> dict[str, str]:
    """Values that the format carries, by numbered keys: every odd word, and every odd character within."""
    words = [
        *WORDS,
        *(f"a{character}b" for character in HOSTILE),
        *(f"{character}b" for character in HOSTILE),
    ]
    kept = [word for word in dict.fromkeys(words) if written(form, {"password": word}) is not None]
    assert len(kept) > 20, "most are carried"
    return {f"k{number}": word for number, word in enumerate(kept)}


def file_of(form: FileFormat, values: Mapping[str, str], path: Path, group: str = "") -> Path:
    labels = {plain_label(key): Secret(value) for key, value in values.items()}
    content = tuple(Entry(key=key, field=key, section=group) for key in values)
    text = file_texts.file_text(
        FileDefinition(name="x", format=form, content=content, path_variable="X"), labels
    )
    assert text is not None
    path.write_text(text.reveal())
    return path


def test_mariadb_reads_it_so(tmp_path: Path) -> None:
    values = carried("ini-mysql")
    path = file_of("ini-mysql", values, tmp_path / "my.cnf", "client")
    done = subprocess.run(
        [needs("my_print_defaults"), f"--defaults-file={path}", "client"], capture_output=True, check=True
    )
    wanted = "".join(f"--{key}={value}\n" for key, value in values.items())
    assert done.stdout.decode() == wanted


def test_npm_reads_it_so(tmp_path: Path) -> None:
    values = carried("npmrc")
    path = file_of("npmrc", values, tmp_path / ".npmrc")
    done = subprocess.run(
        [needs("npm"), "config", "list", "--json", "--offline", f"--userconfig={path}"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/local/bin:/usr/bin:/bin"},
    )
    found = json.loads(done.stdout)
    # What it prints has no control characters any more.
    shown = {key: value for key, value in values.items() if not set(value) & set("\x7f\x85")}
    assert {key: found.get(key) for key in shown} == shown


def test_pythons_netrc_reads_it_so(tmp_path: Path) -> None:
    values = carried("netrc")
    for value in values.values():
        text = written("netrc", {"password": value, "User": "ada"})
        assert text is not None
        path = tmp_path / "netrc"
        path.write_text(text)
        assert netrc.netrc(str(path)).authenticators("api.example") == ("ada", "", value)
