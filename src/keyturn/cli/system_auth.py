"""`keyturn system-auth`."""

from __future__ import annotations

import asyncio
import pwd
from pathlib import Path

import click

from keyturn.agent import authenticators
from keyturn.auth import pam, pam_service, polkit_policy
from keyturn.auth.password import Password
from keyturn.auth.protocol import Asking, Authenticator
from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.cli.grouping import Group
from keyturn.cli.options import output_format
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, DamagedError, KeyturnError, UsageError
from keyturn.ground.secret import Secret

LARGEST_FILE = 64 * 1024


@click.group("system-auth", cls=Group)
def system_auth() -> None:
    """Agree by fingerprint, or by what else the system uses to know you."""


@system_auth.command()
@output_format
def status(form: str) -> None:
    """The ways to agree, in the order in which they are tried, and why one cannot be used."""
    rows = asyncio.run(_states())
    if form == "json":
        content = [{"name": name, "available": not reason, "reason": reason} for name, reason in rows]
        output.as_json("authenticators", content)
    else:
        table = [(name, "no" if reason else "yes", reason) for name, reason in rows]
        output.table(("way", "usable", "why not"), table, "no way to agree is set")


async def _states() -> list[tuple[str, str]]:
    async def helper(room: str, task: bytes, asking: Asking) -> bytes:
        raise AssertionError("nobody is asked for a status")

    async def check(secret: Secret) -> None:
        raise AssertionError("nobody is asked for a status")

    async def state(each: Authenticator) -> tuple[str, str]:
        return each.name, await each.unavailable()

    ways = authenticators.ordered(current().world.settings, (), helper, [Password("", check)])
    return list(await asyncio.gather(*map(state, ways)))


@system_auth.command()
@click.option("--user", "users", metavar="NAME", multiple=True, help="who may name a command in the dialog")
@click.option(
    "--pam", "with_pam", is_flag=True, help="the PAM service for terminals, and not polkit's policy"
)
@click.option("--print", "only_print", is_flag=True, help="print the file and write nothing")
def install(users: tuple[str, ...], with_pam: bool, only_print: bool) -> None:
    """Make Keyturn known to polkit, so that it can ask you by fingerprint or dialog. Needs root.

    Without root the file is shown, and the command that puts it in its place.
    """
    path, content = _pam_file() if with_pam else _policy(users or _callers())
    if only_print:
        output.line(content.rstrip("\n"))
        return
    if current().world.uid != 0:
        output.line(content.rstrip("\n"))
        raise _needs_root(path, users or _callers(), with_pam=with_pam)
    if with_pam and _read(path) not in ("", content):
        raise ConfigurationError(
            f"{path} is there and is not as Keyturn writes it; nothing was changed",
            f"look at it; to have it written anew: rm {path}",
        )
    _write(path, content)
    output.note(f"keyturn: {path} is written")
    output.note("  hint: see what can be used, as the user: keyturn system-auth status")


def _callers() -> tuple[str, ...]:
    """Who is meant if nobody is named: the caller; under sudo, who called that."""
    world = current().world
    if world.uid == 0:
        name = world.environment.get("SUDO_USER", "")
        return (name,) if name and name != "root" else ()
    try:
        return (pwd.getpwuid(world.uid).pw_name,)
    except KeyError:
        return ()


def _policy(users: tuple[str, ...]) -> tuple[Path, str]:
    """polkit's file, for `users` and those whom the present one names."""
    for user in users:
        try:
            pwd.getpwnam(user)
        except KeyError:
            raise UsageError(
                f"there is no user {user!r} here", "name who uses Keyturn, by login name: --user NAME"
            ) from None
    if not polkit_policy.DIRECTORY.is_dir():
        raise ConfigurationError(
            f"polkit is not installed: there is no {polkit_policy.DIRECTORY}",
            "install polkit by the system's packages, or use: keyturn system-auth install --pam",
        )
    named = [*polkit_policy.owners(_read(polkit_policy.FILE)), *users]
    return polkit_policy.FILE, polkit_policy.content(sorted(set(named)))


def _pam_file() -> tuple[Path, str]:
    content = pam_service.content()
    if not content:
        raise ConfigurationError(
            "no PAM stack that Keyturn knows is here: common-auth, or system-auth",
            f"write {pam.FILE} yourself: lines of the types auth and account (pam.conf(5))",
        )
    return pam.FILE, content


def _needs_root(path: Path, users: tuple[str, ...], *, with_pam: bool) -> KeyturnError:
    """Why, and the command: root runs `install` alone, nothing that this user could have changed."""
    what = " --pam" if with_pam else "".join(f" --user {user}" for user in users)
    return KeyturnError(
        f"only root can write {path}; nothing was changed",
        "the file above tells the system what Keyturn may ask; it gives nobody a right",
        "put it there: keyturn system-auth install"
        f"{what} --print | sudo install -o root -g root -m 644 /dev/stdin {path}",
    )


@system_auth.command()
def remove() -> None:
    """Take away what `install` wrote: polkit's policy and, as it was written, the PAM service. Needs root."""
    ours = [each for each in (polkit_policy.FILE, pam.FILE) if _is_ours(each)]
    if not ours:
        output.note("keyturn: nothing of Keyturn's is installed")
        return
    names = " ".join(map(str, ours))
    if current().world.uid != 0:
        raise KeyturnError(f"only root can remove {names}; nothing was changed", f"do it: sudo rm {names}")
    for each in ours:
        try:
            each.unlink()
        except OSError as error:
            raise ConfigurationError(
                f"cannot remove {each}: {files.reason(error)}", files.remedy(error)
            ) from None
        output.note(f"keyturn: {each} is removed")


def _is_ours(path: Path) -> bool:
    text = _read(path)
    return bool(text) and (path == polkit_policy.FILE or pam_service.MARK in text)


def _read(path: Path) -> str:
    """What is in a file of the system; nothing if it is not there."""
    try:
        return files.read(path, LARGEST_FILE)[0].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except (OSError, DamagedError):
        raise ConfigurationError(f"{path} cannot be read", "look at it with `ls -l`") from None


def _write(path: Path, content: str) -> None:
    try:
        files.write_atomically(path, content.encode(), 0o644)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {files.reason(error)}", "nothing was changed", files.remedy(error)
        ) from None
