"""`keyturn signin`, `signout`, `lock` and `status`."""

from __future__ import annotations

import contextlib

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.ground.errors import UnreachableError


@click.command()
@unlocking
@with_agent
def signin() -> None:
    """Unlock an account and approve this terminal for it.

    Without a terminal (with --password-file) the calling process and what it starts may use the
    account, for an hour at most.
    """
    context = current()
    password = context.password()
    request = requests.SignIn(account=context.account, password=password, may_ask=context.may_ask)
    done = context.agent.call(request, context.terminal if context.may_ask else None)
    if done["grant"]:
        output.note(f"keyturn: the calling process may use “{done['account']}” for an hour")


@click.command()
@click.option("--all", "everywhere", is_flag=True, help="all terminals and all grants")
def signout(everywhere: bool) -> None:
    """End this terminal's approval; the keys stay unlocked for other terminals."""
    context = current()
    if context.connect(start=False):
        context.agent.call(requests.SignOut(everywhere=everywhere))


@click.command()
def lock() -> None:
    """Forget all keys, approvals and temporary credentials, for certain: the process that holds them ends."""
    context = current()
    if context.connect(start=False):
        context.agent.call_until_closed(requests.Lock())
        # The next keeper answers only when the one before is gone. If none can begin, nothing is left either.
        with contextlib.suppress(UnreachableError):
            if context.connect(start=False):
                context.agent.call(requests.Hello())


@click.command()
@output_format
def status(form: str) -> None:
    """What is unlocked and approved, and until when. Starts no agent."""
    context = current()
    found: results.Status | None = None
    if context.connect(start=False):
        found = messages.convert(context.agent.call(requests.GetStatus()), results.Status)
    if form == "json":
        output.as_json("status", None if found is None else msgspec.to_builtins(found))
        return
    if found is None:
        output.line("the agent is not running; everything is locked")
        return
    for text in _lines(found):
        output.line(output.clean(text))


def _lines(found: results.Status) -> list[str]:
    lines = [f"agent {found.version}, process {found.pid}"]
    lines += [
        f"account “{each.title}”: {'unlocked' if each.unlocked else 'locked'}" for each in found.accounts
    ]
    if not found.accounts:
        lines.append("no account yet; begin with: keyturn plugin init aws")
    for approval in found.approvals:
        here = " (this terminal)" if approval.this else ""
        lines.append(
            f"{approval.terminal}{here} may use “{approval.account}” for {_time(approval.seconds_left)}"
        )
    for grant in found.grants:
        lines.append(f"process {grant.process} may use “{grant.account}” for {_time(grant.seconds_left)}")
    return lines


def _time(seconds: int) -> str:
    hours, minutes = divmod(max(seconds, 0) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"
