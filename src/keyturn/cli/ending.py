"""How a command ends: every error becomes one line, its hints and an exit status."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable

import click

from keyturn.cli import output
from keyturn.ground import files
from keyturn.ground.errors import KeyturnError, Status, UsageError


def guarded(work: Callable[[], object]) -> int:
    """Do `work` and return the exit status. Nothing but a death by signal gets past this."""
    try:
        work()
        output.flush()
    except KeyturnError as error:
        if error.status is Status.INTERRUPTED:
            return Status.INTERRUPTED
        output.error(_with_usage(error))
        return int(error.status)
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Status.OK if end.code is None else Status.FAILED
    except BrokenPipeError:
        # Whoever read our output has enough of it.
        _discard_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        _discard_output()
        where = f": {error.filename}" if isinstance(error.filename, str) else ""
        hints = [files.remedy(error)] if where or files.is_of_the_disk(error) else []
        output.error(KeyturnError(f"{(error.strerror or type(error).__name__).lower()}{where}", *hints))
        return Status.FAILED
    except UnicodeEncodeError:
        # A surrogate in a text: an argument's bytes were no UTF-8, and no name or title can hold them.
        output.error(_with_usage(UsageError("an argument is not UTF-8 text")))
        return Status.USAGE
    except Exception as error:  # noqa: BLE001  # the last resort: its text could hold anything and is not shown
        output.error(
            KeyturnError(f"an error of its own: {_place(error)}", "this is a bug; please report this line")
        )
        return Status.FAILED
    return Status.OK


def leave(status: int) -> None:
    """End with this status; after Ctrl-C by that very signal, so that a shell's loop ends too (story 51)."""
    if status == Status.INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    # All that is left is to end: what is in memory need not be searched for what could be freed.
    gc.freeze()
    raise SystemExit(status)


def _with_usage(error: KeyturnError) -> KeyturnError:
    """A usage error always says where to read on."""
    running = click.get_current_context(silent=True)
    if not isinstance(error, UsageError) or error.hints or running is None:
        return error
    return UsageError(error.message, f"see: {running.command_path} --help")


def _discard_output() -> None:
    """What is still buffered for standard output goes nowhere, so that the interpreter's end is quiet."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), 1)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


def _place(error: BaseException) -> str:
    """An error's kind and place, without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return (
        f"{type(error).__name__} at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
    )
