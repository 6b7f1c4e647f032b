"""Drives one tool through Keyturn, as a person would have it set up, and sees which credential arrives."""

from __future__ import annotations

import io
import json
import re
import shlex
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from keyturn.catalogue import loader
from keyturn.ground.errors import Status
from keyturn.ground.names import plain_label
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from tests.aws_server.client import LocalAws
from tests.programs.test_agent import agents
from tests.programs.user import Result, User
from tests.vaults.templates import MOMENT
from tests.verify_tools import databases, installing
from tests.verify_tools.recorder import Recorder, Request
from tests.verify_tools.table import Tool, expand

VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:[-+.]?[A-Za-z0-9]+)*")
WRONG = "wrong"


class WrongError(Exception):
    """The tool, or Keyturn, did not do what it should; what it did."""


@contextmanager
def service(tool: Tool, recorder: Recorder) -> Iterator[dict[str, str]]:
    """The server that the tool talks to; what stands for it in the tool's texts."""
    if tool.server == "recorder":
        yield recorder.values
        return
    if tool.server == "none":
        yield {}
        return
    if tool.server == "aws":
        with LocalAws("ada") as aws:
            keys = aws.users["ada"]
            yield {
                "aws_endpoint": aws.endpoint,
                "aws_id": keys.access_key_id,
                "aws_secret": keys.secret_access_key,
            }
        return
    with databases.Running(tool.server, logins(tool)) as server:
        yield {"host": "127.0.0.1", "port": str(server.port)}


def logins(tool: Tool) -> list[tuple[str, str]]:
    """User and password of each item that has to work."""
    return [(fields.get("user") or fields["username"], fields["password"]) for fields in tool.right()]


class Driver:
    """A user who has the tool, an item for each of its credentials, and the first one as the default."""

    def __init__(self, tool: Tool, program: Path, recorder: Recorder) -> None:
        self.tool = tool
        self.program = program
        self.recorder = recorder
        self._stack = ExitStack()

    def __enter__(self) -> Driver:
        try:
            self.values = self._stack.enter_context(service(self.tool, self.recorder))
            self.user = self._stack.enter_context(User())
            self.values = {**self.values, "home": str(self.user.home)}
            self.prepare()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prepare(self) -> None:
        tool, user = self.tool, self.user
        right = {"right" if n == 0 else f"hostile {n}": fields for n, fields in enumerate(tool.right())}
        items = {**right, WRONG: {**tool.fields, **tool.wrong}}
        items = {
            name: {label: expand(text, self.values) for label, text in fields.items()}
            for name, fields in items.items()
        }
        self.right = list(right)
        if tool.server == "recorder":
            self.recorder.expect(tool, items, frozenset(right))
        links = user.home / "tools"
        links.mkdir()
        (links / tool.runs).symlink_to(self.program)
        user.path.insert(0, str(links))
        for name, text in tool.files.items():
            path = user.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(expand(text, self.values))
        if tool.python_package:
            python_package(user.home)
        user.variables.update({key: expand(text, self.values) for key, text in tool.environment.items()})
        user.account(*(item(tool.plugin, name, fields) for name, fields in items.items()))
        trusted = {str(links), str(self.program.parent), str(self.program.resolve().parent)}
        words = ("executables.trusted_directories", json.dumps(sorted(trusted)))
        user.keyturn("settings", "set", *words).succeeds()
        init = ("plugin", "init", tool.runs, "--item", "right", "--also", "", "--no-input", "--no-shell-rc")
        user.keyturn(*init, "--password-file", user.password_file()).succeeds()

    def run(self, line: str, name: str = "", signin: bool = True) -> Result:
        """The command line through Keyturn, with the item of this name, or the default."""
        words = shlex.join(["keyturn", "plugin", "run", "--", *shlex.split(expand(line, self.values))])
        first = (
            f"keyturn signin --password-file {self.user.password_file()} >/dev/null 2>&1 && "
            if signin
            else ""
        )
        chosen = {"KEYTURN_ITEM": name} if name else {}
        script = f"{first}exec {words}"
        return self.user.sh(script, variables=chosen, seconds=self.tool.seconds)

    def check(self) -> str:
        """All of it, in the order in which nothing is left of an earlier step. The tool's version."""
        self.user.keyturn("agent", "stop").succeeds()
        self.recorder.taken()
        version = self.check_bare()
        self.check_locked()
        self.check_right()
        self.check_wrong()
        return version

    def check_bare(self) -> str:
        """Version, help and completion ask nobody, start no agent, and have no credential."""
        commands = self.tool.commands
        version = ""
        for line in commands.without_credential:
            done = self.run(line, signin=False)
            if done.status == Status.LOCKED or done.errors.startswith("keyturn: "):
                raise WrongError(f"“{line}” asks: {done.errors.strip()}")
            if done.status != 0:
                raise WrongError(f"“{line}” ended with {done.status}: {said(done)}")
            if agents(self.user):
                raise WrongError(f"“{line}” started an agent")
            if line == commands.version:
                match = VERSION.search(both(done), max(both(done).find(commands.version_after), 0))
                # What is built from a Go module knows no version but its own default.
                told = match[0] if match and self.tool.source != "go" else ""
                version = told or installing.version(self.tool)
        arrived = [request for request in self.recorder.taken() if request.owner]
        if arrived:
            raise WrongError(f"a credential without need: {arrived[0]}")
        return version

    def check_locked(self) -> None:
        """Locked, and nobody there to ask: its own status at once, and nothing was sent."""
        done = self.run(self.tool.commands.authenticates, signin=False)
        if done.status != Status.LOCKED:
            raise WrongError(
                f"locked, it ended with {done.status} and not {int(Status.LOCKED)}: {said(done)}"
            )
        if self.recorder.taken():
            raise WrongError("locked, it went to the server")

    def check_right(self) -> None:
        """Each right item works: the default first, then the hostile ones."""
        commands = self.tool.commands
        for name in self.right:
            done = self.run(commands.authenticates, "" if name == "right" else name)
            arrived = self.recorder.taken()
            if done.status != commands.status or expand(commands.shows, self.values) not in both(done):
                raise WrongError(f"{name}: ended with {done.status}: {said(done)}; {requests(arrived)}")
            if self.tool.server != "recorder":
                continue
            owners = {request.owner for request in arrived} - {None}
            if owners != {name}:
                raise WrongError(
                    f"{name}: what arrived was of {sorted(map(str, owners))}; {requests(arrived)}"
                )

    def check_wrong(self) -> None:
        """The wrong item's credential arrives, is refused, and the tool says so by its status."""
        done = self.run(self.tool.commands.authenticates, WRONG)
        arrived = self.recorder.taken()
        if done.status == self.tool.commands.status and not self.tool.wrong_ends_well:
            raise WrongError(f"with a wrong credential it ended with {done.status}: {said(done)}")
        if done.errors.startswith("keyturn: "):
            raise WrongError(f"with a wrong credential: {done.errors.strip()}")
        owners = {request.owner for request in arrived} - {None}
        if self.tool.server == "recorder" and owners != {WRONG}:
            raise WrongError(f"wrong: what arrived was of {sorted(map(str, owners))}; {requests(arrived)}")


def item(plugin: str, title: str, fields: dict[str, str]) -> Item:
    """An item of the plugin's type; what its type calls secret is concealed."""
    credential = loader.load(plugin).credential
    made = []
    for label, text in fields.items():
        definition = credential.field(label)
        if definition is None:
            raise WrongError(f"{plugin} has no field “{plain_label(label)}”")
        kind = FieldType.CONCEALED if definition.secret else FieldType.TEXT
        made.append(new_field(label, kind, Secret(text)))
    return new_item(title, made, MOMENT, [loader.load(plugin).tag])


def python_package(directory: Path) -> None:
    """The smallest package that an index takes, as source and as a wheel."""
    metadata = b"Metadata-Version: 2.1\nName: probe\nVersion: 1\nSummary: nothing\n"
    with tarfile.open(directory / "probe-1.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("probe-1/PKG-INFO")
        entry.size = len(metadata)
        archive.addfile(entry, io.BytesIO(metadata))
    information = "probe-1.dist-info"
    tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(directory / "probe-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("probe.py", "")
        wheel.writestr(f"{information}/METADATA", metadata)
        wheel.writestr(f"{information}/WHEEL", tags)
        wheel.writestr(f"{information}/RECORD", "")


def both(done: Result) -> str:
    return done.output + done.errors


def said(done: Result) -> str:
    """The last of what it printed, on one line."""
    return " ".join(both(done).split())[-300:] or "nothing"


def requests(arrived: list[Request]) -> str:
    return "; ".join(map(str, arrived[:6])) or "no request"
