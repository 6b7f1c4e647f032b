"""A wrapped command without a default: the person chooses an item, for this terminal session."""

from __future__ import annotations

import os

from keyturn.agent import requests
from keyturn.agent.requests import Hello
from keyturn.catalogue import loader
from keyturn.cli.context import Context
from keyturn.cli.selecting import Selector
from keyturn.ground.errors import UsageError
from keyturn.items import ItemReference
from keyturn.scopes.layers import Scope


def choose(context: Context, command: str) -> None:
    """Ask which item `command` is to use, and make it the default of this terminal session."""
    executable = os.path.basename(command)
    plugin = loader.find_by_executable(executable)
    if plugin is None:
        raise UsageError(f"no plugin wraps {executable}")
    # The agent drops who says nothing, and a person may take long.
    context.agent.call(Hello())
    view = Selector(context, plugin, executable, "/").searched()
    context.call(
        requests.SetDefault(
            account=view.account,
            may_ask=context.may_ask,
            executable=executable,
            plugin=plugin.name,
            reference=ItemReference(view.account, view.vault, view.item.id, view.item.title),
            owner=plugin.owner,
            scope=Scope.SESSION,
            vault_title=view.vault_title,
        )
    )
