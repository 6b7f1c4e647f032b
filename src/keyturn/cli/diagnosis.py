"""What is amiss with the items that a command uses, as far as the agent can say it without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence

from keyturn.cli.context import Context
from keyturn.ground.errors import KeyturnError
from keyturn.items import ItemReference

# It has the items in memory or says nothing.
SECONDS = 2.0


def lines(context: Context, executable: str, items: Sequence[ItemReference]) -> list[str]:
    """A line for each thing that is amiss; none without an agent, and none of what is locked or not approved
    for this terminal."""
    if not items or not context.world.directories.socket.exists():
        return []
    # Only now: without an agent nobody pays for what this imports.
    from keyturn.agent import messages
    from keyturn.agent.requests import Diagnose

    try:
        if not context.agent.connect(start=False):
            return []
        request = Diagnose(executable=executable, items=list(items))
        return messages.convert(context.agent.call(request, seconds=SECONDS), list[str])
    except KeyturnError:
        return []
    finally:
        context.agent.close()
