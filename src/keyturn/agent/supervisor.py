"""The supervisor: binds the socket, forks keepers one after the other, and never holds a secret.

    python -I -m keyturn.agent.supervisor CONFIG DATA STATE RUNTIME

It says `ready`, or one line of what is wrong, on its standard output, and is then detached. Because
each keeper is forked after reading was forbidden, no descriptor of a keeper's memory can be older than
that; because the supervisor knows no secret, the next keeper starts from memory that never held one.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from time import sleep
from typing import NoReturn

from keyturn.agent import forgetting, holder, keeper, private_directories
from keyturn.ground import files
from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import ConfigurationError, KeyturnError
from keyturn.ground.paths import Directories
from keyturn.ground.world import World, here
from keyturn.processes import identity, private

log = logging.getLogger("keyturn")

BACKLOG = 1024
# A keeper that dies this often in a row at once has something that restarting does not mend.
QUICK_DEATHS, QUICK_SECONDS = 5, 2.0
# A start waits this long for another one that has just begun, then ends a holder that serves nobody.
TAKE_OVER_TRIES, TRY_SECONDS = 100, 0.05
LARGEST_LOG = 1024 * 1024


def start(directories: Directories) -> int:
    """Become the agent in the background. Returns the caller's exit status: 0 if an agent serves."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with open(reading, "rb") as stream:
            said = stream.read()
        sys.stdout.buffer.write(said)
        return 0 if said == b"ready\n" else 1
    os.close(reading)
    os.setsid()
    try:
        _serve(directories, writing)
    except KeyturnError as error:
        os.write(writing, (error.message + "\n").encode("utf-8", "replace"))
    except OSError as error:
        where = f": {error.filename}" if isinstance(error.filename, str) else ""
        os.write(writing, f"{files.reason(error)}{where}\n".encode("utf-8", "replace"))
    os._exit(1)


def _serve(directories: Directories, ready: int) -> NoReturn:
    private.forbid_reading()
    _reset_signals()
    private.forbid_core_files()
    if identity.is_traced():
        raise ConfigurationError("the agent does not start under a debugger: it could read every key")
    uid = os.getuid()
    for directory in (directories.config, directories.data, directories.state):
        files.private_directory(directory, uid, mend=True)
    files.private_directory(directories.runtime, uid)
    _log_to(directories.agent_log)
    if not _become_the_only_one(directories):
        os.write(ready, b"ready\n")
        os._exit(0)
    listening = _bind(directories.socket)
    _leave_terminal()
    log.info("supervisor started")
    _keep(
        World({**here().agent_environment, **directories.as_environment()}, uid, SystemClock()),
        listening,
        ready,
    )


def _become_the_only_one(directories: Directories) -> bool:
    """Take the lock that one agent holds for its life; False if another one serves.

    A holder whose socket is gone (its directory was removed at logout, say) serves nobody and still
    holds keys: it is ended.
    """
    for attempt in range(TAKE_OVER_TRIES):
        if holder.take(directories.agent_lock) is not None:
            return True
        if _serves(directories.socket):
            return False
        if attempt >= TAKE_OVER_TRIES // 4:
            holder.ask_to_end(directories.agent_lock)
        sleep(TRY_SECONDS)
    raise ConfigurationError("another agent holds the lock and does not serve", "end it: keyturn agent stop")


def _serves(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.setblocking(False)
        try:
            stream.connect(os.fsencode(path))
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


def _reset_signals() -> None:
    """What the caller ignores or blocks is its command's. (With SIGCHLD ignored, helpers have no status.)"""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _bind(path: Path) -> socket.socket:
    """Listen at `path`. Only the holder of the lock comes here, so a socket that is there is a dead one's."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(os.fsencode(path))
    finally:
        os.umask(before)
    listening.listen(BACKLOG)
    listening.setblocking(False)
    return listening


def _leave_terminal() -> None:
    """Let go of the caller's directory, terminal and standard streams."""
    os.chdir("/")
    os.umask(0o077)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _log_to(path: Path) -> None:
    """Times and what happened; no secret, no argument, no text of a foreign error.

    On a disk that is full or read-only the agent serves without it. Raises OSErrors of other kinds: a place
    that is closed to us, or a link that somebody has put there, is not to be passed over.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            path.rename(path.with_suffix(".log.1"))
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.ENOSPC, errno.EDQUOT):
            raise
        log.addHandler(logging.NullHandler())
        return
    handler = logging.StreamHandler(open(descriptor, "a", encoding="utf-8"))  # noqa: SIM115  # for life
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def _keep(world: World, listening: socket.socket, ready: int) -> NoReturn:
    """Fork a keeper, wait for its end, fork the next one."""
    child = 0

    def stop(number: int, frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            if child:
                os.kill(child, signal.SIGTERM)
                os.kill(child, signal.SIGCONT)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    quick = 0
    while quick < QUICK_DEATHS:
        began = world.clock.boot()
        child = os.fork()
        if child == 0:
            _be_keeper(world, listening, ready)
        if ready >= 0:
            os.close(ready)
            ready = -1
        status = _wait(child)
        if status == forgetting.STOPPED:
            break
        if status != forgetting.LOCKED:
            log.error("keeper %d ended with %d; the next one starts locked", child, status)
            quick = quick + 1 if world.clock.boot() - began < QUICK_SECONDS else 0
    with contextlib.suppress(OSError):
        os.unlink(world.directories.socket)
    # Of commands that still run, too: nobody is there any more that would see them end.
    private_directories.remove_all(world.directories, world.uid)
    log.info("supervisor ended")
    os._exit(0 if quick < QUICK_DEATHS else 1)


def _be_keeper(world: World, listening: socket.socket, ready: int) -> NoReturn:
    def say_ready() -> None:
        if ready >= 0:
            os.write(ready, b"ready\n")
            os.close(ready)

    status = 1
    try:
        private.die_with_parent()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        keeper.run(world, listening, say_ready, os.getppid())
    except KeyturnError as error:
        log.error("keeper: %s", error.message)
        if ready >= 0:
            os.write(ready, (error.message + "\n").encode("utf-8", "replace"))
    except BaseException as error:  # noqa: BLE001  # this process ends here, whatever it was
        log.error("keeper: %s", keeper.where(error))
    finally:
        os._exit(status)


def _wait(child: int) -> int:
    while True:
        try:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        except InterruptedError:
            continue
        except OSError as error:
            if error.errno == errno.ECHILD:
                return 1
            raise


if __name__ == "__main__":
    raise SystemExit(start(Directories(*map(Path, sys.argv[1:5]))))
