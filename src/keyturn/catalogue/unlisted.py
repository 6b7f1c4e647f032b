"""A program that no plugin knows, run with the credential of one that is named for this call.

`keyturn plugin run --plugin aws -- ./deploy.sh`: the launcher's environment carries the plugin's name, and
the program gets what the plugin gives to its own commands.
"""

from __future__ import annotations

import msgspec

from keyturn.catalogue import loader
from keyturn.sdk.rules import Rule
from keyturn.sdk.schema import Executable, Plugin

VARIABLE = "KEYTURN_PLUGIN"
# Nothing is known of its command line, so all of it is taken to need the credential.
_ANY = Rule(any_of=(Rule(no_arguments=True), Rule(negated=Rule(no_arguments=True))))
# Programs that are run so in one life of an agent; beyond that they are made anew.
_MOST = 64

_made: dict[tuple[str, str], tuple[Plugin, Plugin]] = {}


def find(program: str, named: str) -> tuple[Plugin | None, str]:
    """The plugin for a call of `program` (the last part of its path), and the program's name as it knows it.

    `named` is the plugin that the caller names, empty for none. Raises UsageError if there is no such plugin,
    and what `loader.find_by_executable` raises.
    """
    if not named:
        return loader.find_by_executable(program), program
    plugin = loader.load(named)
    if plugin.executable(program) is not None:
        return plugin, program
    name = "".join("·" if c.isspace() or c == "/" else c for c in program) or "·"
    return _with(plugin, name), name


def _with(plugin: Plugin, program: str) -> Plugin:
    """The plugin as if it wrapped the program too; the same object for the same plugin."""
    known = _made.get((plugin.name, program))
    if known is None or known[0] is not plugin:
        if len(_made) >= _MOST:
            _made.clear()
        first = plugin.executables[0]
        # The variables that name a profile are everybody's; the option is that command's alone. And an SDK
        # may take a profile before the keys.
        profile = first.profile and msgspec.structs.replace(first.profile, option="", in_child="hidden")
        added = Executable(runs=program, name=program, needs_auth=_ANY, profile=profile)
        known = (plugin, msgspec.structs.replace(plugin, executables=(*plugin.executables, added)))
        _made[plugin.name, program] = known
    return known[1]
