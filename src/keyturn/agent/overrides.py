"""`KEYTURN_ITEM` and `KEYTURN_PLUGIN`: the item, and the plugin, for one call."""

from __future__ import annotations

from collections.abc import Iterable

from keyturn.agent.audit import Audit
from keyturn.agent.permission import Asker, Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.uses import Use
from keyturn.catalogue import unlisted
from keyturn.ground.errors import KeyturnError, MissingError
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution
from keyturn.ground.settings import Settings
from keyturn.items import ItemReference, choose

ITEM, ACCOUNT = "KEYTURN_ITEM", "KEYTURN_ACCOUNT"


def wanted(environment: Iterable[bytes]) -> tuple[str, str]:
    """The item and the account that a caller's environment names; empty without."""
    found = {ITEM: "", ACCOUNT: ""}
    for entry in environment:
        name, _, value = entry.partition(b"=")
        if name in (b"KEYTURN_ITEM", b"KEYTURN_ACCOUNT"):
            found[name.decode()] = value.decode("utf-8", "replace")
    return found[ITEM], found[ACCOUNT]


def plugin(environment: Iterable[bytes]) -> str:
    """The plugin that a caller's environment names; empty without."""
    prefix = f"{unlisted.VARIABLE}=".encode()
    found = [entry.removeprefix(prefix) for entry in environment if entry.startswith(prefix)]
    return found[-1].decode("utf-8", "replace") if found else ""


async def named(
    permissions: Permissions,
    audit: Audit,
    asker: Asker,
    executable: str,
    item: str,
    account: str,
    settings: Settings,
) -> Resolution[ItemReference]:
    """The item called `item`, by title or id, in the account that is meant.

    To look for a title the account has to be open, so this may ask. Raises MissingError, AmbiguousError,
    WhichAccountError, and what a refused permission raises; what stood in the way is in the audit log.
    """
    entry = permissions.choose(account, asker.caller)
    line = f"{executable} is to use “{printable(item)}” ({ITEM}) of account “{printable(entry.title)}”"
    purpose = Purpose((line,), Use(entry.id, item), executable, ITEM)
    try:
        return await _found(await permissions.obtain(asker, entry, purpose, settings), item)
    except KeyturnError as error:
        audit.write(asker.caller, purpose, error)
        raise


async def _found(permission: Permission, item: str) -> Resolution[ItemReference]:
    listed = await permission.unlocked.run(lambda: permission.unlocked.backend.items(None))
    summary = choose([each for each, _ in listed], item)
    if summary is None:
        raise MissingError(f"there is no item “{printable(item)}” ({ITEM})", "see: keyturn item list")
    vault = next(vault for each, vault in listed if each.id == summary.id)
    return Resolution(ItemReference(permission.entry.id, vault.id, summary.id, summary.title), ITEM)
