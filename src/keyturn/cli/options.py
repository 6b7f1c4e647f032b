"""Options that many commands share, and how a command that talks to the agent is run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import click

from keyturn.cli.context import Context, current
from keyturn.cli.ending import guarded, leave
from keyturn.ground.errors import Status, UsageError

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


def with_agent(command: Callable[P, object]) -> Callable[P, None]:
    """Run a command that talks to the agent, and may hold a secret, in a child that nobody can read.

    The connection is made before the fork: the kernel then names the process that the person started.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from keyturn.processes import private

        status = guarded(greet)
        if status == Status.OK:
            status = private.run_privately(lambda: guarded(lambda: command(*args, **kwargs)))
        leave(status)

    return run


def greet() -> None:
    """Connect and say so: the agent drops who says nothing, and a person may take long over a question."""
    from keyturn.agent.requests import Hello

    context = current()
    context.connect()
    context.agent.call(Hello())


def naming(command: F) -> F:
    """`--account` for a command that needs to know which account is meant."""
    return click.option(
        "--account",
        metavar="NAME",
        envvar="KEYTURN_ACCOUNT",
        help="account by title or id  [env: KEYTURN_ACCOUNT]",
        callback=_keep("account"),
        expose_value=False,
    )(command)


def unlocking(command: F) -> F:
    """The options of a command that may have to unlock an account."""
    for option in (
        click.option(
            "--no-input",
            is_flag=True,
            help="ask nothing; what would be asked is an error",
            callback=_keep("no_input"),
            expose_value=False,
        ),
        click.option(
            "--password-fd",
            metavar="N",
            type=click.IntRange(min=0),
            help="read the password from descriptor N",
            callback=_keep("password_source"),
            expose_value=False,
        ),
        click.option(
            "--password-file",
            metavar="PATH",
            type=click.Path(),
            help="read the password from the first line of PATH",
            callback=_keep("password_source"),
            expose_value=False,
        ),
    ):
        command = option(command)
    return naming(command)


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is None or value is False:
            return
        kept = context.ensure_object(Context)
        if name == "password_source" and kept.password_source is not None:
            raise UsageError(
                "the password comes from one place", "give one of --password-file and --password-fd"
            )
        setattr(kept, name, value)

    return keep


def output_format(command: F) -> F:
    """`--format table|json` for commands that list or show."""
    return click.option(
        "--format", "form", type=click.Choice(["table", "json"]), default="table", help="how to print"
    )(command)
