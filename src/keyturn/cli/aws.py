"""`keyturn aws`: what is AWS's alone."""

from __future__ import annotations

import os

import click

from keyturn.agent import messages, requests, results
from keyturn.catalogue import loader
from keyturn.cli import output
from keyturn.cli.aws_configure import configure
from keyturn.cli.aws_credential_process import credential_process
from keyturn.cli.aws_exec import execute
from keyturn.cli.aws_export import export
from keyturn.cli.aws_import import import_
from keyturn.cli.aws_mfa import mfa
from keyturn.cli.aws_sso import sso
from keyturn.cli.aws_verify import verify
from keyturn.cli.context import current
from keyturn.cli.grouping import Group
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.ground.errors import NotFoundError, UsageError
from keyturn.ground.names import printable
from keyturn.shells import path_search

PLUGIN = "aws"


@click.group(cls=Group)
def aws() -> None:
    """AWS: profiles, roles, multi-factor authentication."""


for command in (configure, credential_process, execute, export, import_, mfa, sso, verify):
    aws.add_command(command)


@aws.command(context_settings={"ignore_unknown_options": True})
@unlocking
@click.option("--profile", metavar="NAME", help="the profile, as the command would be told it")
@output_format
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@with_agent
def explain(profile: str | None, form: str, command: tuple[str, ...]) -> None:
    """Say whose credentials a command would get here, how, and why; nothing is asked of AWS.

    COMMAND is as you would type it, such as `-- cdk deploy`; without one it is any `aws` command.
    """
    context = current()
    words = command or ("aws", "sts", "get-caller-identity")
    name = os.path.basename(words[0])
    plugin = loader.find_by_executable(name)
    if plugin is None or plugin.owner != PLUGIN:
        raise UsageError(f"{printable(name)} takes no AWS item", "see: keyturn plugin list")
    search = context.world.environment.get("PATH", "")
    path = path_search.find(words[0], search, context.world.directories.shims)
    if not path:
        raise NotFoundError(f"{printable(words[0])}: command not found", "it is looked for on PATH")
    arguments = [os.fsencode(word) for word in words[1:]]
    if profile is not None:
        arguments += [b"--profile", os.fsencode(profile)]
    request = requests.Explain(
        account=context.account,
        may_ask=context.may_ask,
        name=os.fsencode(words[0]),
        path=os.fsencode(path),
        arguments=arguments,
        environment=[
            key + b"=" + value
            for key, value in context.world.variables.items()
            if plugin.reads_variable(key) or key in (b"KEYTURN_ITEM", b"KEYTURN_ACCOUNT")
        ],
    )
    explained = messages.convert(context.call(request), results.Explained)
    if form == "json":
        output.as_json("explanation", {"lines": explained.lines, "notes": explained.notes})
        return
    for line in explained.lines:
        output.line(output.clean(line))
    for note in explained.notes:
        output.note(f"note: {note}")
