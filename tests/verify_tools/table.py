"""The tools that are really run: one TOML file each in tools/, with what has to come of it.

`{name}` in a text stands for a field of the item (by its label) or for what the servers are called:

- `{http}`, `{https}`: where the recording server listens, without a slash at the end; `{http_address}`,
  `{address}`: the same without `http://`; `{proxy}`: the same server as a proxy to every host;
- `{authority}`: the path of the certificate that signs the recording server's;
- `{host}`, `{port}`: of the database; `{aws_endpoint}`, `{aws_id}`, `{aws_secret}`: of the local AWS, and
  a user's keys; `{home}`: the user's home directory;
- `{basic:USER:PASSWORD}`: both in base64, as basic authentication wants it.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

TOOLS = Path(__file__).resolve().parent / "tools"
BASIC = re.compile(r"\{basic:([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
NAME = re.compile(r"\{([A-Za-z][^{}]*)\}")

Source = Literal["pip", "npm", "go", "cargo", "apt"]
Server = Literal["recorder", "postgresql", "mariadb", "redis", "aws", "none"]


class Accepts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way in which the right credential may come: exactly one place, and what has to stand there.

    `header` and `query` are names, `body` a key of a form or of JSON (`a.b` leads down), and `url` a text
    that the path holds. `inside`: its last word stands somewhere in a field that is a whole file.
    """

    is_: str = msgspec.field(name="is", default="")
    header: str = ""
    query: str = ""
    body: str = ""
    url: str = ""
    inside: bool = False

    def __post_init__(self) -> None:
        if sum(map(bool, (self.header, self.query, self.body, self.url))) != 1:
            raise ValueError("accepts names one of header, query, body, url")
        if bool(self.is_) == bool(self.url):
            raise ValueError("accepts says what has to be there by `is`")


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the recording server says to a request whose path fits the pattern (`host/path`: of that host)."""

    path: str
    method: str = ""
    status: int = 200
    body: str = "{}"
    type: str = "application/json"
    headers: dict[str, str] = {}
    public: bool = False


class Commands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Command lines as a shell splits them; `status` and `shows` are of the one that authenticates.

    `version`, `completion` and those in `bare` run while everything is locked, and ask nobody. What `version`
    prints has other numbers before `version_after`.
    """

    authenticates: str
    version: str
    bare: tuple[str, ...]
    status: int = 0
    shows: str = ""
    completion: str = ""
    version_after: str = ""

    @property
    def without_credential(self) -> tuple[str, ...]:
        return tuple(line for line in (self.version, *self.bare, self.completion) if line)


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool, what it is installed from, the server it talks to, and what is run.

    `fields` are the right item's, `wrong` what is other in the wrong one, `hostile` what is other in further
    right ones. `in_tests`: it is one of the few that `make test` runs too. `share` names another tool that
    brings this one along. `wrong_ends_well`: with a wrong credential the tool says so and ends with the same
    status all the same (`notes` say who does). `scripts`: npm may run what the package asks for.
    `python_package`: `probe-1.tar.gz` and a wheel of it lie in the home directory, to be uploaded. The server
    is `none` where the credential opens a file.
    """

    plugin: str
    runs: str
    fields: dict[str, str]
    wrong: dict[str, str]
    commands: Commands
    source: Source = msgspec.field(name="from")
    packages: tuple[str, ...] = ()
    share: str = ""
    scripts: bool = False
    in_tests: bool = False
    server: Server = "recorder"
    environment: dict[str, str] = {}
    files: dict[str, str] = {}
    python_package: bool = False
    accepts: tuple[Accepts, ...] = ()
    answers: tuple[Answer, ...] = ()
    refusal: str = '{"message": "unauthorized"}'
    refusal_status: int = 401
    hostile: tuple[dict[str, str], ...] = ()
    wrong_ends_well: bool = False
    seconds: int = 60
    notes: str = ""

    def __post_init__(self) -> None:
        if not self.wrong or not set(self.wrong) <= set(self.fields):
            raise ValueError("wrong says which of the fields are other in the wrong item")
        if any(not set(values) <= set(self.fields) for values in self.hostile):
            raise ValueError("hostile has values of fields")
        if bool(self.packages) == bool(self.share):
            raise ValueError("a tool has packages, or shares those of another one")
        if (self.server == "recorder") != bool(self.accepts):
            raise ValueError("accepts says how a recording server sees the credential, and only such a one")
        if self.server == "none" and not self.commands.shows:
            raise ValueError("without a server, shows is what tells a right credential")
        for line in (self.commands.authenticates, *self.commands.without_credential):
            if shlex.split(line)[0] != self.runs:
                raise ValueError(f"“{line}” is not a command line of {self.runs}")

    def right(self) -> tuple[dict[str, str], ...]:
        """The fields of all items that have to work, the plain one first."""
        return (self.fields, *({**self.fields, **values} for values in self.hostile))


def expand(text: str, values: Mapping[str, str]) -> str:
    """The text with its `{name}`s replaced; what is no known name stays."""

    def basic(found: re.Match[str]) -> str:
        return base64.b64encode(named(found[1]).encode()).decode()

    def named(inner: str) -> str:
        return NAME.sub(lambda found: values.get(found[1], found[0]), inner)

    return named(BASIC.sub(basic, text))


def load(name: str) -> Tool:
    """The tool of tools/NAME.toml; ValueError names the file, and what is wrong with it."""
    path = TOOLS / f"{name}.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Tool)
    except (OSError, msgspec.MsgspecError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def names() -> list[str]:
    """Of all tools; there are some, or the table is not where it should be."""
    found = sorted(path.stem for path in TOOLS.glob("*.toml"))
    if not found:
        raise ValueError(f"no tool in {TOOLS}")
    return found
