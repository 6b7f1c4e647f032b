"""`keyturn aws`: what is AWS's alone."""

from __future__ import annotations

import importlib

import click

from keyturn.cli.grouping import Group

# name → module of `keyturn.cli`, and the command in it, imported when it is called: an SDK runs
# credential-process again and again, and importing the others as well would cost it three times as much.
COMMANDS = {
    "configure": ("aws_configure", "configure"),
    "credential-process": ("aws_credential_process", "credential_process"),
    "exec": ("aws_exec", "execute"),
    "explain": ("aws_explain", "explain"),
    "export": ("aws_export", "export"),
    "import": ("aws_import", "import_"),
    "mfa": ("aws_mfa", "mfa"),
    "sso": ("aws_sso", "sso"),
    "verify": ("aws_verify", "verify"),
}


class AwsGroup(Group):
    """A group whose commands are in modules of their own."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(f"keyturn.cli.{module}"), attribute)
        return command


@click.group(cls=AwsGroup)
def aws() -> None:
    """AWS: profiles, roles, multi-factor authentication."""
