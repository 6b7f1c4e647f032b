"""An item in the person's own editor, by a private file that lies in memory and is gone afterwards."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from keyturn.agent import messages, requests
from keyturn.agent.results import ItemView
from keyturn.cli import item_memory, item_text, output
from keyturn.cli.context import Context
from keyturn.cli.item_text import UnreadableError
from keyturn.ground import files
from keyturn.ground.errors import KeyturnError, UsageError
from keyturn.ground.secret import Secret

LARGEST = 4 * 1024 * 1024
USUAL = "vi"
# Vim keeps what was deleted or copied, and may keep backups and undo files elsewhere: on the disk.
_VIM = re.compile(r"g?vim(\.\w+)?|nvim")
_WITHOUT_TRACES = ("-n", "-i", "NONE", "-c", "set nobackup nowritebackup noundofile")
_PLAIN = re.compile(r"\s*[\w@%+,./:-]+(?:\s+[\w@%+,./:-]+)*\s*")


def edit(context: Context, view: ItemView, *, reveal: bool) -> None:
    """Have the item edited and store what came of it; nothing is stored if it was left as it was.

    Raises UsageError if the editor fails, or the text is no item and nobody can be asked whether to
    edit it again; who is asked and does not want to has read what is wrong, and it ends with that status.
    """
    environment = context.world.environment
    editor = environment.get("VISUAL") or environment.get("EDITOR") or USUAL
    with item_memory.directory(context.world.directories) as place:
        path = place / "item.toml"
        written = item_text.write(view.item, reveal=reveal)
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as stream:
            stream.write(written)
        while True:
            _run(editor, path, dict(environment))
            text = _content(path)
            if text.reveal() == written:
                output.note("nothing was changed")
                return
            try:
                item = item_text.read(text, view.item)
                if item == view.item:
                    output.note("nothing was changed")
                    return
                request = requests.ReplaceItem(account=view.account, may_ask=context.may_ask, item=item)
                messages.convert(context.call(request), ItemView)
            except KeyturnError as error:
                if not _is_of_text(error) or not context.may_ask:
                    raise
                output.error(error)
                question = "nothing was changed; edit it again?"
                if not context.terminal.confirm(question, default=True):
                    # What is wrong was said.
                    raise SystemExit(int(error.status)) from None
            else:
                return


def _is_of_text(error: KeyturnError) -> bool:
    """Whether another text could be stored."""
    return isinstance(error, UnreadableError) or error.code in ("configuration", "usage", "ambiguous")


def _run(editor: str, path: Path, environment: dict[str, str]) -> None:
    """Run the editor, a command line of the person's own, to its end."""
    with _theirs():
        try:
            process = subprocess.Popen([*_command(editor, environment), str(path)], env=environment)
        except OSError as error:
            raise UsageError(
                f"the editor cannot be started: {files.reason(error)}",
                f"it is: {editor}; EDITOR names another",
            ) from None
        try:
            status = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
    if status:
        how = f"status {status}" if status > 0 else f"signal {-status}"
        raise UsageError(f"the editor ended with {how}; nothing was changed", f"it is: {editor}")


def _command(editor: str, environment: dict[str, str]) -> list[str]:
    """The words that start the editor, before the path of the file."""
    if not _PLAIN.fullmatch(editor):
        return ["/bin/sh", "-c", f'{editor} "$@"', editor]
    # Without a shell in between where none is needed: Ctrl-C in the editor would end that shell.
    program, *rest = editor.split()
    found = shutil.which(program, path=environment.get("PATH", "")) or program
    if _VIM.fullmatch(os.path.basename(os.path.realpath(found))):
        rest = [*_WITHOUT_TRACES, *rest]
    return [program, *rest]


@contextlib.contextmanager
def _theirs() -> Iterator[None]:
    """Ctrl-C and Ctrl-\\ are the editor's; what ends this process ends it in order.

    Handlers, for a signal that is ignored would be ignored by the editor too.
    """

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    kept = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    kept |= {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _content(path: Path) -> Secret:
    try:
        content, _ = files.read(path, LARGEST)
    except OSError as error:
        raise UsageError(
            f"what the editor wrote cannot be read: {files.reason(error)}", "nothing was changed"
        ) from None
    try:
        return Secret(content.decode())
    except UnicodeDecodeError:
        pass
    raise UsageError("what the editor wrote is not UTF-8 text", "nothing was changed")
