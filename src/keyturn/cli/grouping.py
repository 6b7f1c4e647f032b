"""Groups of commands: how they list them, and what somebody meant who typed a name that is none of them."""

from __future__ import annotations

import difflib
import inspect

import click

# What other tools call things, and what is easily taken for a command: group → word → what was meant.
MEANT = {
    "": {
        "add": "plugin init",
        "audit": "log",
        "clear": "plugin clear",
        "config": "settings",
        "configure": "plugin init",
        "create": "account create",
        "credential-process": "aws credential-process",
        "exec": "plugin run",
        "export": "aws export",
        "get": "item get",
        "help": "--help",
        "history": "log",
        "import": "plugin init",
        "import-op": "plugin import-op",
        "init": "plugin init",
        "inspect": "plugin inspect",
        "list": "plugin list",
        "login": "signin",
        "logout": "signout",
        "ls": "plugin list",
        "new": "plugin new",
        "password": "account password change",
        "recovery": "account recovery",
        "restore": "plaintext restore",
        "run": "plugin run",
        "scan": "plaintext scan",
        "setup": "plugin init",
        "slot": "account slot",
        "sso": "aws sso",
        "stop": "agent stop",
        "uninstall": "plugin uninstall",
        "unlock": "signin",
        "version": "--version",
        "whoami": "status",
    },
    "account": {"delete": "account forget", "remove": "account forget", "new": "account create"},
    "agent": {"kill": "agent stop", "lock": "lock", "status": "status"},
    "aws": {
        "credentials": "aws export",
        "login": "aws sso login",
        "run": "aws exec",
        "whoami": "aws explain",
    },
    "grant": {"end": "grant revoke", "status": "grant list"},
    "item": {
        "add": "item create",
        "archive": "item delete",
        "find": "item list",
        "new": "item create",
        "remove": "item delete",
        "rm": "item delete",
        "search": "item list",
        "set": "item edit",
        "show": "item get",
        "undelete": "item restore",
        "update": "item edit",
    },
    "plaintext": {"find": "plaintext scan", "list": "plaintext scan", "undo": "plaintext restore"},
    "plugin": {
        "add": "plugin init",
        "create": "plugin new",
        "exec": "plugin run",
        "install": "plugin init",
        "remove": "plugin uninstall",
        "setup": "plugin init",
        "show": "plugin inspect",
        "status": "plugin inspect",
    },
    "settings": {"list": "settings", "show": "settings"},
    "shim": {"add": "shim enable", "install": "shim enable", "remove": "shim disable", "rm": "shim disable"},
    "system-auth": {"add": "system-auth install", "uninstall": "system-auth remove"},
    "vault": {"add": "vault create", "new": "vault create"},
}


class Group(click.Group):
    """A group that lists the whole first sentence of each command, and says which command may be meant.

    click cuts the sentence after 45 characters, in the middle of what it says.
    """

    group_class = type

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if arguments and not arguments[0].startswith("-"):
            known = self.list_commands(context)
            if arguments[0] not in known:
                raise UnknownCommandError(arguments[0], known, context)
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(context):
            command = self.get_command(context, name)
            if command is not None and not command.hidden:
                rows.append((name, first_sentence(command)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class UnknownCommandError(click.UsageError):
    """No command of the group is called so; `meant` are the commands that could be, with their groups."""

    def __init__(self, name: str, known: list[str], context: click.Context) -> None:
        super().__init__(f"no such command {name!r}", context)
        root, _, group = context.command_path.partition(" ")
        meant = MEANT.get(group, {}).get(name.lower(), "")
        if not meant and name.lower() == "help":
            meant = f"{group} --help"
        if not meant:
            near = difflib.get_close_matches(name.lower(), known, n=1)
            meant = f"{group} {near[0]}".strip() if near else ""
        self.meant = f"{root} {meant}" if meant else ""


def first_sentence(command: click.Command) -> str:
    """Of a command's help, as it stands in the list of its group."""
    first = inspect.cleandoc(command.help or "").partition("\n\n")[0]
    sentence, _, _ = " ".join(first.split()).partition(". ")
    return sentence.rstrip(".")
