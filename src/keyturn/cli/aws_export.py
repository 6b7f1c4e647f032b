"""`keyturn aws export`: a profile's credentials as text, for a shell or a file."""

from __future__ import annotations

import shlex
import sys

import click

from keyturn.cli import aws_keys, output
from keyturn.cli.context import current
from keyturn.cli.options import unlocking, with_agent
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable

# How each form gets to its reader; `…` is the command itself.
USES = {
    "env": 'for this shell: eval "$(…)"',
    "fish": "for this shell: … | source",
    "powershell": "for this shell: … | Out-String | Invoke-Expression",
    "dotenv": "into a file: … > .env",
    "json": "into another program: … | PROGRAM",
}


@click.command()
@unlocking
@click.option("--profile", metavar="NAME", help="the profile whose credentials are wanted")
@click.option(
    "--format",
    "reader",
    type=click.Choice(list(aws_keys.FORMS)),
    default="env",
    show_default=True,
    help="for which reader",
)
@click.option("--show", is_flag=True, help="print them even to a terminal")
@with_agent
def export(profile: str | None, reader: str, show: bool) -> None:
    """Print a profile's credentials for a shell: eval "$(keyturn aws export --profile dev)"

    Variables that would stand for other credentials are unset by what is printed. Whoever reads it has them:
    `keyturn aws exec` gives them to one command alone.
    """
    named = "" if profile is None else f" --profile {shlex.quote(printable(profile))}"
    if not show and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError(
            "the credentials would stay on the screen",
            USES[reader].replace("…", f"keyturn aws export{named} --format {reader}"),
            "to see them nevertheless: --show",
        )
    given = aws_keys.ask(current(), "export", profile)
    own = {name: value for name, value in given.assign.items() if name not in aws_keys.PROFILES}
    removed = (*given.remove, *(name for name in aws_keys.PROFILES if name in given.assign))
    output.line(aws_keys.FORMS[reader](aws_keys.Given(own, removed)))
