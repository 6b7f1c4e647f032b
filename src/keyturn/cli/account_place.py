"""Listing another program's vault as an account: where it is, and by which program it is reached."""

from __future__ import annotations

import os
import shutil
import sys

from keyturn.agent import requests
from keyturn.cli import output
from keyturn.cli.context import Context
from keyturn.ground.errors import ConfigurationError, NotFoundError, UsageError
from keyturn.ground.names import printable
from keyturn.vaults.places import BUS, KINDS, Kind, Name, Place


def list_place(
    context: Context, title: str, backend: Name, at: str, key_file: str, *, approval_password: bool | None
) -> None:
    """List the vault at `at` as an account. Raises UsageError, NotFoundError, KeyturnError of the agent.

    `approval_password`: whether one is made, to agree by; None: where nothing else could be typed.
    """
    kind = KINDS[backend]
    if key_file and not kind.has_key_file:
        raise UsageError(f"{kind.title} has no key files")
    if backend == "keepassxc" and not at:
        raise UsageError("which database?", "name it: --at FILE.kdbx")
    if backend == "pass" and not at:
        # The variable that pass itself follows (pass(1), “Environment variables”).
        at = context.world.environment.get("PASSWORD_STORE_DIR") or "~/.password-store"
    place = Place(
        backend=backend,
        path=_absolute(context, at) if kind.is_file and at else at,
        key_file=_absolute(context, key_file) if key_file else "",
        program=_program(context, kind),
        environment=_environment(context, kind),
    )
    if kind.is_file and place.path and not os.path.exists(place.path):
        raise UsageError(f"there is no {kind.path_is} {printable(place.path)}", "name it: --at PATH")
    _check_here(backend, place)
    password = None
    if kind.opens_by_itself if approval_password is None else approval_password:
        password = context.ask_new_password(f"a password to agree by, for account “{printable(title)}”")
    done = context.agent.call(requests.ListPlace(title=title, place=place, password=password))
    output.note(f"account “{printable(done['title'])}” is in {kind.title}; nothing was copied")
    if place.program:
        output.note(f"it is reached by {printable(place.program)}")


def _check_here(backend: Name, place: Place) -> None:
    """Say now what no later start of a program changes, before a password is thought of.

    Raises UsageError, ConfigurationError.
    """
    if backend == "keychain" and sys.platform != "darwin":
        raise UsageError("the macOS Keychain is on Macs only", "on Linux: --backend secret-service")
    kind, _, path = place.environment.get(BUS, "").partition("unix:path=")
    if backend == "secret-service" and path and not kind and not os.path.exists(path.split(",")[0]):
        raise ConfigurationError(
            f"there is no session bus at {printable(path)}, so no Secret Service can be reached",
            "call this from a desktop session, or set DBUS_SESSION_BUS_ADDRESS",
        )


def _absolute(context: Context, path: str) -> str:
    return os.path.abspath(os.path.join(context.world.home, path[2:]) if path.startswith("~/") else path)


def _program(context: Context, kind: Kind) -> str:
    """The program as the person's PATH has it now; it is this one from then on."""
    if not kind.program:
        return ""
    found = shutil.which(kind.program, path=context.world.environment.get("PATH", ""))
    if found is None:
        raise NotFoundError(f"{kind.program} is not on PATH: without it {kind.title} cannot be reached")
    return os.path.abspath(found)


def _environment(context: Context, kind: Kind) -> dict[str, str]:
    there = context.world.environment
    kept = {name: there[name] for name in kind.variables if there.get(name)}
    if BUS in kind.variables and BUS not in kept:
        runtime = there.get("XDG_RUNTIME_DIR") or f"/run/user/{context.world.uid}"
        kept[BUS] = f"unix:path={runtime}/bus"
    return kept
