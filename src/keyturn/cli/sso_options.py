"""Options of the commands that sign in: which session is meant, and where its page is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from keyturn.cli.context import Context

F = TypeVar("F", bound=Callable[..., Any])


def choosing_session(command: F) -> F:
    """`--profile` and `--sso-session`; without either it is what AWS_PROFILE says, or the only one."""
    for option in (
        click.option(
            "--sso-session", default="", metavar="NAME", help="the session, as the config file calls it"
        ),
        click.option("--profile", default="", metavar="NAME", help="the session of this profile"),
    ):
        command = option(command)
    return command


def no_browser(command: F) -> F:
    """`--no-browser`."""
    return click.option(
        "--no-browser",
        is_flag=True,
        help="open none: show an address and a code for a browser elsewhere",
        callback=_keep,
        expose_value=False,
    )(command)


def _keep(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    context.ensure_object(Context).no_browser = value
