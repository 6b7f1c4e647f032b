"""`keyturn signin`, `signout`, `lock` and `status`."""

from __future__ import annotations

import contextlib

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.cli.grant import described
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.ground.errors import KeyturnError, UnreachableError
from keyturn.shells import segment


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
    done = context.send(request)
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
@click.option("--short", is_flag=True, help="a few characters for a shell's prompt; nothing if locked")
@click.option(
    "--command", is_flag=True, help="print a quick command for prompts that shows what --short does"
)
def status(form: str, short: bool, command: bool) -> None:
    """What is unlocked and approved, and until when. Starts no agent."""
    context = current()
    directories = context.world.directories
    if command:
        segment.renew(directories, context.world.environment, create=True)
        output.line(segment.command(directories, context.interpreter))
        return
    if short and directories.accounts.exists():
        # The next one is that program's (`ground/prompt.py`); this one does not fail for want of it.
        with contextlib.suppress(KeyturnError, OSError):
            segment.renew(directories, context.world.environment, create=True)
    found: results.Status | None = None
    if context.connect(start=False):
        found = messages.convert(context.agent.call(requests.GetStatus()), results.Status)
    if short:
        if found is not None and (text := results.short(found)):
            output.line(output.clean(text))
    elif form == "json":
        output.as_json("status", None if found is None else msgspec.to_builtins(found))
    elif found is None:
        output.line("the agent is not running; everything is locked")
    else:
        for text in _lines(found):
            output.line(output.clean(text))


def _lines(found: results.Status) -> list[str]:
    lines = [f"agent {found.version}, process {found.pid}; preset {found.preset}"]
    lines += [
        f"account “{each.title}”: {'unlocked' if each.unlocked else 'locked'}" for each in found.accounts
    ]
    if not found.accounts:
        lines.append("no account yet; begin with: keyturn plugin init aws")
    if found.locks_in_seconds is not None:
        lines.append(f"everything locks after {output.time_left(found.locks_in_seconds)} without use")
    lines += [_approval(each) for each in found.approvals]
    lines += [f"grant {each.id}: {described(each)}" for each in found.grants]
    return lines


def _approval(row: results.ApprovalRow) -> str:
    where = row.terminal or "every terminal of yours"
    here = " (this terminal)" if row.this and row.terminal else ""
    what = f"“{row.account}”"
    if row.item:
        what = f"item {row.item} of {what}"
    if row.program:
        what += f" by {row.program}"
    until = "until it locks" if row.seconds_left is None else f"for {output.time_left(row.seconds_left)}"
    return f"{where}{here} may use {what} {until}"
