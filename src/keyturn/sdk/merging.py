"""Several credentials for one command, given at once: each as if it were the only one, and no mixture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.ground.errors import ConfigurationError, NoDefaultError
from keyturn.ground.resolution import Resolution
from keyturn.items import Item, ItemReference
from keyturn.sdk.run import Invocation, NeedItem, NeedWork, Provision, Provisioned, Selection, Worker


@dataclass(frozen=True)
class Other:
    """A credential that a command gets besides its own: how it is given, and the item chosen for it."""

    provision: Provision
    selected: Resolution[ItemReference]


def provision_together(name: str, own: Provision, others: Mapping[str, Other]) -> Provision:
    """One provisioning function out of several; `name` and the names of `others` are their plugins'.

    The selection that it is given is that of the command's own credential. Where nothing is chosen for that
    one, the others are enough, and what the command finds by itself for it stays as it is. It raises what
    each of them raises, and ConfigurationError, which names both, for two that stand in each other's way.
    """

    def provision(
        invocation: Invocation, selection: Selection, opened: Mapping[str, Item]
    ) -> NeedItem | NeedWork | Provisioned:
        steps: dict[str, NeedItem | NeedWork | Provisioned] = {}
        try:
            steps[name] = own(invocation, selection, opened)
        except NoDefaultError:
            if not others:
                raise
        for other, part in others.items():
            steps[other] = part.provision(invocation, Selection(part.selected), opened)
        return _together(invocation, steps)

    return provision


def _together(
    invocation: Invocation, steps: Mapping[str, NeedItem | NeedWork | Provisioned]
) -> NeedItem | NeedWork | Provisioned:
    """What is needed before the rest: an item first, then work, and with neither the end."""
    done: dict[str, Provisioned] = {}
    works: dict[str, NeedWork] = {}
    for name, step in steps.items():
        if isinstance(step, NeedItem):
            return step
        if isinstance(step, NeedWork):
            works[name] = step
        else:
            done[name] = step
    if not works:
        return merged(done, invocation)

    async def do(worker: Worker) -> Provisioned:
        found = {name: await works[name].do(worker) if name in works else done[name] for name in steps}
        return merged(found, invocation)

    plan = [line for name in steps for line in (works[name].plan if name in works else done[name].reasons)]
    notes = [line for name in steps for line in (works[name] if name in works else done[name]).notes]
    account = ", ".join(work.account for work in works.values() if work.account)
    return NeedWork(tuple(plan), do, tuple(notes), account)


def merged(parts: Mapping[str, Provisioned], invocation: Invocation) -> Provisioned:
    """What a command gets that gets all of `parts`, which are by plugin.

    Raises ConfigurationError, which names both, for a variable that two set differently, or that one sets and
    another takes out (half of one credential with half of another would be a third one), and for arguments
    that two change differently.
    """
    assign: dict[str, bytes] = {}
    setters: dict[str, str] = {}
    arguments, changer = invocation.arguments, ""
    for name, part in parts.items():
        for variable, value in part.assign.items():
            if assign.setdefault(variable, value) != value:
                raise _conflict(setters[variable], name, f"both set {variable}", invocation)
            setters.setdefault(variable, name)
        if part.arguments != invocation.arguments:
            if changer and part.arguments != arguments:
                raise _conflict(changer, name, "both change the arguments", invocation)
            arguments, changer = part.arguments, name
    for name, part in parts.items():
        for variable in part.remove:
            if variable in setters and variable not in part.assign:
                raise _conflict(setters[variable], name, f"do not agree on {variable}", invocation)
    return Provisioned(
        arguments=arguments,
        assign=assign,
        remove=tuple(dict.fromkeys(variable for part in parts.values() for variable in part.remove)),
        notes=tuple(dict.fromkeys(note for part in parts.values() for note in part.notes)),
        news={key: text for part in parts.values() for key, text in part.news.items()},
        reasons=tuple(reason for part in parts.values() for reason in part.reasons),
        files=tuple(file for part in parts.values() for file in part.files),
        insertions=tuple(each for part in parts.values() for each in part.insertions),
    )


def _conflict(one: str, other: str, what: str, invocation: Invocation) -> ConfigurationError:
    return ConfigurationError(
        f"{invocation.executable} cannot have the credentials of {one} and {other} at once: they {what}",
        f"take one of them away: keyturn plugin clear {invocation.executable} --credential {other}",
    )
