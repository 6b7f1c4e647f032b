"""`keyturn aws credential-process`: what an SDK runs for a profile."""

from __future__ import annotations

import click

from keyturn.cli import aws_keys, output
from keyturn.cli.context import current
from keyturn.cli.options import unlocking, with_agent


@click.command("credential-process")
@unlocking
@click.option("--profile", metavar="NAME", help="the profile whose credentials are wanted")
@with_agent
def credential_process(profile: str | None) -> None:
    """Print a profile's credentials for an SDK, as JSON: for `credential_process` in the AWS config file.

    Nothing else goes to stdout; who has to be asked is asked on the terminal. `keyturn aws configure` writes
    the line into the file.
    """
    given = aws_keys.ask(current(), "credential-process", profile)
    output.line(aws_keys.process_json(given))
