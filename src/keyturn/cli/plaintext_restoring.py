"""What `plaintext restore` does: a file as it was before credentials were taken out of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from keyturn.agent import messages, requests
from keyturn.agent.results import BackupContent, BackupRow
from keyturn.cli import output, sourcing
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.cli.plaintext_finding import absolute, is_file
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, DamagedError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.plaintext import backups, replacing


def keep_copy(
    context: Context,
    account: str,
    path: Path,
    status: os.stat_result,
    content: bytes,
    rest: bytes,
    tools: list[str],
) -> None:
    """Keep what is in the file at `path` before it is replaced by `rest`; read back by the agent."""
    request = requests.KeepBackup(
        account=account,
        may_ask=context.may_ask,
        path=os.path.realpath(path),
        link=str(path),
        mode=stat.S_IMODE(status.st_mode),
        tools=tools,
        left=backups.digest(rest),
        content=backups.encoded(content),
    )
    context.call(request)


def rows(context: Context) -> list[BackupRow]:
    """The copies that are kept, the newest first."""
    request = requests.ListBackups(account=context.account, may_ask=context.may_ask)
    return messages.convert(context.call(request), list[BackupRow])


def show(context: Context, found: list[BackupRow]) -> None:
    shown = [
        (row.id, sourcing.shown(context, Path(row.link)), row.moment, " ".join(row.tools)) for row in found
    ]
    output.table(("id", "file", "kept", "tools"), shown, "no copies")


def as_json(row: BackupRow) -> dict[str, Any]:
    return {"id": row.id, "path": row.link, "real_path": row.path, "kept_at": row.moment, "tools": row.tools}


def restore(context: Context, found: list[BackupRow], place: str, copy: str) -> None:
    """Put the file at `place` back; `copy` is the id of the copy that is meant, empty: the one that what is
    there now was made from.

    Raises ConfigurationError, with nothing changed, if the file was changed since; MissingError.
    """
    path = absolute(context, place)
    mine = [row for row in found if is_file(Path(row.link), Path(row.path), path)]
    if not mine:
        raise MissingError(
            f"no copy of {printable(place, 300)} is kept", "see which are: keyturn plaintext restore --list"
        )
    real = Path(mine[0].path)
    status, content = _now(real)
    row = _meant(mine, copy, place, content)
    request = requests.GetBackup(account=context.account, may_ask=context.may_ask, backup=row.id)
    kept = messages.convert(context.call(request), BackupContent)
    before = backups.decoded(kept.content)
    shown = sourcing.shown(context, Path(row.link))
    if content == before:
        note(f"{shown} is as it was already")
        return
    if status is not None and content is not None:
        # Checked once more: `_meant` was told by a copy of ours what the file should hold.
        if not copy and backups.digest(content) != kept.left:
            raise _changed(place, row)
        replacing.replace(real, status, before, context.world.uid)
    else:
        _make(real, before, kept.mode)
    note(f"{shown} is as it was on {row.moment}")


def _now(path: Path) -> tuple[os.stat_result | None, bytes | None]:
    try:
        status = os.stat(path)
        content, identity = files.read(path)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        raise replacing.refused(path, files.reason(error)) from None
    except DamagedError as error:
        raise replacing.refused(path, error.message) from None
    if identity != files.FileIdentity.of(status):
        raise replacing.refused(path, "it was changed meanwhile")
    return status, content


def _meant(mine: list[BackupRow], copy: str, place: str, content: bytes | None) -> BackupRow:
    if copy:
        named = [row for row in mine if row.id == copy]
        if not named:
            raise UsageError(f"no copy of {printable(place, 300)} is called {printable(copy)}", "see: --list")
        return named[0]
    if content is None:
        return mine[0]
    left = backups.digest(content)
    return next((row for row in mine if row.left == left), mine[0])


def _changed(place: str, row: BackupRow) -> ConfigurationError:
    return ConfigurationError(
        f"{printable(place, 300)} was changed since credentials were taken out of it: nothing was put back",
        f"to put the copy of {row.moment} in its place all the same, name it: --copy {row.id}",
    )


def _make(path: Path, content: bytes, mode: int) -> None:
    """The file is gone: make it anew."""
    try:
        files.write_atomically(path, content, mode)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {files.reason(error)}", files.remedy(error)) from None
