"""`keyturn agent`."""

from __future__ import annotations

import click

from keyturn.cli.context import current
from keyturn.cli.grouping import Group
from keyturn.cli.options import with_agent


@click.group(cls=Group)
def agent() -> None:
    """The agent in the background: started when it is first needed."""


@agent.command()
def stop() -> None:
    """Forget everything and end the agent. The next command that needs it starts it again."""
    current().agent.stop()


@agent.command()
@with_agent
def start() -> None:
    """Start the agent, if it is not running."""
