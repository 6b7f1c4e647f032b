"""What `keyturn aws export` prints, read by those it is meant for: real shells, and readers of .env files."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import dotenv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.cli import aws_export, aws_keys
from keyturn.cli.aws_keys import Given
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from tests.aws_server.client import LocalAws
from tests.aws_tools import tools
from tests.parts import needs
from tests.programs.aws_items import item, set_up
from tests.programs.user import User

HARD = [
    "$HOME `id` $(id)",
    "'\"\\",
    "a\nb",
    "\\'",
    "'''",
    "ünïcode ‘’",
    "!event *?[a] ~ #x",
    "\\\\n",
    " ",
    "%s;|&<>",
    "=ls",
    "-n",
    "".join(map(chr, range(1, 128))),
]
# How each takes a file of assignments; then it prints a variable, and one that is to be gone.
SHELLS = {
    "sh": ("env", ["sh", "-c"], '. "$FILE"'),
    "dash": ("env", ["dash", "-c"], '. "$FILE"'),
    "bash": ("env", ["bash", "--norc", "-c"], 'source "$FILE"'),
    "zsh": ("env", ["zsh", "-f", "-c"], 'source "$FILE"'),
    "fish": ("fish", ["fish", "--no-config", "-c"], 'source "$FILE"'),
}
# What AWS gives, and an item's region: nothing else is ever printed but by somebody's own doing.
USUAL = st.from_regex(
    r"[A-Za-z0-9+/]{1,40}={0,2}|20[0-9]{2}-1[0-2]-01T00:00:00Z|eu-central-1", fullmatch=True
)
# Whatever means something to one of the readers.
PIECES = [
    "a",
    "Z1",
    " ",
    "'",
    '"',
    "\\",
    "\\\\",
    "$",
    "${HOME}",
    "$HOME",
    "$(id)",
    "`id`",
    "#",
    " #",
    "\n",
    "\r",
]
PIECES += [
    "\t",
    "{",
    "}",
    "(",
    ")",
    "!",
    "=",
    "=ls",
    "~",
    ":~",
    "%s",
    "\\n",
    "é",
    "‘",
    "\u2028",
    "\xa0",
    "\U0001f511",
]
SPECIAL = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)


def one(value: str) -> Given:
    return Given({"AWS_X": Secret(value.encode().decode("latin-1"))}, ("AWS_OLD", "AWS_NOT_THERE"))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_sets_each_value_and_unsets_the_old(shell: str, tmp_path: Path) -> None:
    path = needs(shell)
    form, words, take = SHELLS[shell]
    file = tmp_path / "exported"
    for value in HARD:
        file.write_text(aws_keys.FORMS[form](one(value)) + "\n")
        done = subprocess.run(
            [path, *words[1:], f'{take}\nprintf "%s|%s" "$AWS_X" "$AWS_OLD"'],
            env={"AWS_OLD": "old", "FILE": str(file), "PATH": os.defpath, "HOME": "/x", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            check=True,
            timeout=20,
        )
        assert done.stdout == value.encode() + b"|", value


def python_reader(text: str) -> dict[str, str]:
    """python-dotenv, which puts variables in."""
    return {name: value or "" for name, value in dotenv.dotenv_values(stream=StringIO(text)).items()}


def node_reader(path: Path) -> dict[str, str]:
    """Node.js's own (`--env-file`, since 20.6)."""
    node = tools.find("cdk").programs["node"]
    script = r"for (const n in process.env) process.stdout.write(`${n}=${process.env[n]}\0`)"
    return _printed([str(node), f"--env-file={path}", "-e", script])


def shell_reader(path: Path) -> dict[str, str]:
    """Many have a shell read such a file."""
    return _printed([needs("sh"), "-c", f'set -a; . "{path}"; exec env -0'])


def zsh_reader(path: Path) -> dict[str, str]:
    return _printed([needs("zsh"), "-f", "-c", f'set -a; . "{path}"; exec env -0'])


def _printed(command: list[str]) -> dict[str, str]:
    environment = {"PATH": os.environ["PATH"], "HOME": "/x", "LC_ALL": "C.UTF-8", "aZ1": "a variable's"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=20)
    pairs = (each.partition("=") for each in done.stdout.decode().split("\0"))
    return {name: value for name, _, value in pairs}


def written(values: list[str]) -> tuple[str, dict[str, str]]:
    """A file with all of these values that are not refused, and what stands in it."""
    lines, kept = [], {}
    for number, value in enumerate(values):
        name = f"AWS_{number}"
        try:
            lines.append(aws_keys.dotenv(Given({name: Secret(value.encode().decode("latin-1"))}, ())))
        except ConfigurationError:
            continue
        kept[name] = value
    return "\n".join([*lines, ""]), kept


@given(st.lists(SPECIAL | USUAL | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
@settings(max_examples=100)
def test_python_reads_a_dotenv_file_as_it_was_meant(values: list[str]) -> None:
    text, kept = written(values)
    assert python_reader(text) == kept


@pytest.mark.parametrize("reader", [node_reader, shell_reader, zsh_reader])
@given(values=st.lists(SPECIAL | USUAL, min_size=20, max_size=60))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_others_read_a_dotenv_file_as_it_was_meant(
    reader: Callable[[Path], dict[str, str]], tmp_path: Path, values: list[str]
) -> None:
    text, kept = written([*values, *HARD])
    assert kept
    path = tmp_path / ".env"
    path.write_text(text)
    assert reader(path).items() >= kept.items()


@given(USUAL)
@settings(max_examples=50)
def test_what_aws_gives_needs_no_quotes(value: str) -> None:
    """`docker run --env-file` would take them for a part of the value."""
    assert aws_keys.dotenv(one(value)) == f"AWS_X={value}"


@pytest.mark.parametrize("value", ["it's", "a\\b", "a\nb", "${HOME}", "$HOME", "\r", "\u2028"])
def test_what_readers_differ_on_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="AWS_X holds what the readers of"):
        aws_keys.dotenv(one(value))


def test_it_is_said_of_each_form_what_it_is_for() -> None:
    assert set(aws_export.USES) == set(aws_keys.FORMS)


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


def test_all_readers_find_the_same_keys(user: User, aws: LocalAws) -> None:
    """As a whole program: every form of one role's keys, and a value that no .env file can hold."""
    user.variables.update(aws.environment())
    role = aws.add_role("dev", ["ada"])
    bad = "[profile bad]\nregion = eu'west\n"
    config = (
        f"[default]\nregion = eu-central-1\n[profile dev]\nrole_arn = {role}\nsource_profile = default\n{bad}"
    )
    set_up(user, config, item(aws.users["ada"]))
    lines = [f"keyturn signin --password-file {user.password_file()} 2>/dev/null"]
    lines += [
        f"keyturn aws export --profile dev --format {form} > {form}" for form in ("env", "dotenv", "json")
    ]
    user.sh(" && ".join([*lines, "keyturn aws export --profile bad --format dotenv"])).fails(
        198, "AWS_DEFAULT_REGION holds what the readers of .env files would not agree on"
    )
    document = json.loads((user.home / "json").read_text())
    expected = {
        "AWS_ACCESS_KEY_ID": document["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": document["SecretAccessKey"],
        "AWS_SESSION_TOKEN": document["SessionToken"],
        "AWS_CREDENTIAL_EXPIRATION": document["Expiration"],
    }
    assert aws.whose(document["AccessKeyId"]).endswith(":assumed-role/dev/keyturn")
    for found in (
        python_reader((user.home / "dotenv").read_text()),
        node_reader(user.home / "dotenv"),
        shell_reader(user.home / "dotenv"),
        shell_reader(user.home / "env"),
    ):
        assert found.items() >= expected.items()
