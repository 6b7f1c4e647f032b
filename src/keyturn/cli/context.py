"""What a command works with: the world, the agent, and how questions are answered."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from keyturn.ground import files, prompt
from keyturn.ground.errors import KeyturnError, UnreachableError, UsageError, WhichAccountError
from keyturn.ground.secret import Secret
from keyturn.ground.world import World

# What lists and shows, and asks nothing, has a budget: whatever such a command does not need is imported
# where it is used.
if TYPE_CHECKING:
    from keyturn.agent.client import Agent
    from keyturn.agent.requests import Request
    from keyturn.cli.terminal import Terminal
    from keyturn.shells.launcher import Interpreter

LONGEST_PASSWORD = 4096


@dataclass
class Context:
    """One call of `keyturn`. Options of the command fill `account`, `no_input` and `password_source`."""

    world: World
    account: str = ""
    no_input: bool = False
    password_source: str | int | None = None
    no_browser: bool = False
    _password: Secret | None = None
    _signed_in: bool = False

    @cached_property
    def interpreter(self) -> Interpreter:
        from keyturn.shells.launcher import Interpreter

        return Interpreter.current()

    @cached_property
    def agent(self) -> Agent:
        from keyturn.agent.client import Agent

        return Agent(self.world.directories, self.interpreter.cli[:3], self.world.uid)

    @cached_property
    def terminal(self) -> Terminal:
        from keyturn.cli.terminal import Terminal

        dumb = self.world.environment.get("TERM", "dumb") in ("", "dumb")
        return Terminal(dumb=dumb, variables=self.world.variables)

    @cached_property
    def may_ask(self) -> bool:
        from keyturn.cli import terminal

        return not self.no_input and terminal.is_there()

    @cached_property
    def has_browser(self) -> bool:
        """Whether the person has a browser that can come back to this machine's loopback."""
        from keyturn.cli import browser

        is_wanted = not self.no_browser and self.world.settings.prompt.browser
        return self.may_ask and is_wanted and browser.is_there(self.world.variables)

    def password(self) -> Secret | None:
        """The password from --password-file or --password-fd: its first line. None if neither is given."""
        if self._password is None and self.password_source is not None:
            self._password = read_password(self.password_source)
        return self._password

    def connect(self, *, start: bool = True) -> bool:
        """Connect to the agent, and renew what an upgrade or a moved interpreter has left stale.

        Returns whether there is a connection. Settings that the agent could not read are reported as such
        and not as an agent that does not start.
        """
        with contextlib.suppress(KeyturnError, OSError):
            self.renew()
        if self.agent.connect(start=False):
            return True
        if not start:
            return False
        _ = self.world.settings
        return self.agent.connect()

    def renew(self) -> None:
        """Write launcher, shims and plugins.sh anew where they are not as this Keyturn writes them."""
        from keyturn.shells import launcher, plugins_sh

        directories = self.world.directories
        launcher.renew(directories, self.interpreter, create=False)
        if (directories.data / prompt.FILE).exists():
            from keyturn.shells import segment

            segment.renew(directories, self.world.environment, create=False)
        if directories.shims.is_dir():
            from keyturn.shells import shims

            shims.renew(directories, self.interpreter)
        if directories.plugins_sh.exists():
            plugins_sh.update(directories.plugins_sh, [], launcher.command(directories, self.interpreter))

    def call(self, request: Request, *, may_execute: bool = False) -> Any:
        """Have the agent do something; with a password at hand, the account is signed in to first.

        `may_execute`: it may have programs of the person's configuration run here.

        Without a terminal that is for this command alone; `keyturn signin` lets later ones in too.
        """
        import msgspec

        from keyturn.agent.requests import SignIn

        password = self.password()
        if password is not None and not self._signed_in:
            self.send(SignIn(account=self.account, password=password, once=True))
            self._signed_in = True
        wanted = msgspec.structs.replace(request, account=request.account or self.account)
        return self.send(wanted, may_execute=may_execute)

    def send(self, request: Request, *, may_execute: bool = False) -> Any:
        """Have the agent do something. If it cannot know which account is meant, the person is asked."""
        try:
            questioner = self.terminal if self.may_ask else None
            return self.agent.call(request, questioner, may_execute=may_execute)
        except WhichAccountError:
            if not self.may_ask:
                raise
        import msgspec

        self.account = self._chosen_account()
        wanted = msgspec.structs.replace(request, account=self.account)
        return self.agent.call(wanted, self.terminal, may_execute=may_execute)

    def _chosen_account(self) -> str:
        from keyturn.agent import messages, results
        from keyturn.agent.requests import ListAccounts
        from keyturn.cli import choosing

        rows = messages.convert(self.agent.call(ListAccounts()), list[results.AccountRow])
        return choosing.choose(self.terminal, "which account?", [(row.title, row.id) for row in rows])

    def require_input(self, what: str, hint: str) -> None:
        """Raises UsageError unless a person can be asked for `what`; `hint` says how to answer without."""
        if not self.may_ask:
            why = "--no-input is given" if self.no_input else "there is no terminal to ask on"
            raise UsageError(f"{what} is missing, and {why}", hint)

    def ask_new_password(self, question: str) -> Secret:
        """A new password: from the given source, else typed twice."""
        given = self.password()
        if given is not None:
            return given
        self.require_input("the new password", "give it: --password-file PATH")
        return self.terminal.new_password(question)


def current() -> Context:
    """The context of the running command."""
    found = click.get_current_context().find_object(Context)
    if found is None:
        raise UnreachableError("no context")
    return found


def read_password(source: str | int) -> Secret:
    """The first line of a file or of an open descriptor. Raises UsageError if there is none."""
    where = f"descriptor {source}" if isinstance(source, int) else source
    try:
        line = _first_line(source) if isinstance(source, int) else _first_line_of_file(source)
    except OSError as error:
        raise UsageError(f"the password cannot be read from {where}: {files.reason(error)}") from None
    if len(line) > LONGEST_PASSWORD:
        raise UsageError(f"the password in {where} is too long: at most {LONGEST_PASSWORD} bytes")
    password = line.removesuffix(b"\r").decode("utf-8", "surrogateescape")
    if not password:
        raise UsageError(f"the password in {where} is empty: the first line counts")
    try:
        password.encode()
    except UnicodeEncodeError:
        # Its text would hold the password.
        raise UsageError(f"the password in {where} is not UTF-8 text") from None
    return Secret(password)


def _first_line_of_file(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        return _first_line(descriptor)
    finally:
        os.close(descriptor)


def _first_line(descriptor: int) -> bytes:
    """Byte by byte: what follows in a pipe is somebody else's, a field's value for one."""
    line = b""
    while len(line) <= LONGEST_PASSWORD and (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
        line += byte
    return line
