"""What a wrapped command cannot go on without, an item or a field of one: the person is asked for it."""

from __future__ import annotations

import os

from keyturn.agent import requests
from keyturn.agent.requests import Hello
from keyturn.catalogue import loader, unlisted
from keyturn.cli.context import Context
from keyturn.cli.field_check import FieldCheck
from keyturn.cli.selecting import Selector, credential_of
from keyturn.items import ItemReference
from keyturn.scopes import keys
from keyturn.scopes.layers import Scope
from keyturn.sdk.schema import Plugin


def choose(context: Context, command: str) -> None:
    """Ask which item `command` is to use, and make it the default of this terminal session."""
    executable, plugin = _wrapped(context, command)
    _greet(context)
    view = Selector(context, plugin, executable, "/").searched()
    credential = credential_of(view.item, plugin, executable)
    context.call(
        requests.SetDefault(
            account=view.account,
            may_ask=context.may_ask,
            executable=keys.written(executable, "" if credential is plugin else credential.name),
            plugin=plugin.name,
            reference=ItemReference(view.account, view.vault, view.item.id, view.item.title),
            owner=credential.owner,
            scope=Scope.SESSION,
            vault_title=view.vault_title,
        )
    )


def mend(context: Context, command: str, item: str) -> None:
    """Ask which field of the item is the one that it lacks for `command`, or for its value, and keep that."""
    executable, plugin = _wrapped(context, command)
    _greet(context)
    view = Selector(context, plugin, executable, "/").item(item)
    credential = credential_of(view.item, plugin, executable)
    changes = FieldCheck(context, credential, executable).changes(view.item)
    edit = requests.EditItem(account=view.account, may_ask=context.may_ask, item=view.item.id, fields=changes)
    context.call(edit)


def _wrapped(context: Context, command: str) -> tuple[str, Plugin]:
    """The command that a default is for, and its plugin.

    For a program that no plugin knows, run with the credential of one, it is the first that this one wraps.
    """
    executable = os.path.basename(command)
    if named := context.world.environment.get(unlisted.VARIABLE, ""):
        found = loader.load(named)
        return executable if found.executable(executable) else found.executables[0].runs, found
    plugin = loader.find_by_executable(executable)
    if plugin is None:
        raise loader.unknown(executable)
    return executable, plugin


def _greet(context: Context) -> None:
    """The agent drops who says nothing, and a person may take long."""
    context.agent.call(Hello())
