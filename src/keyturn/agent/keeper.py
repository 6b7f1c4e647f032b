"""The keeper: one process that holds unlocked keys, approvals and answers; to lock is to end it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from keyturn.agent import callers, messages, requests
from keyturn.agent.account_requests import AccountRequests
from keyturn.agent.accounts import Accounts
from keyturn.agent.approvals import Approvals
from keyturn.agent.callers import StrangerError
from keyturn.agent.connection import LARGE_FRAMES_AT_ONCE, Connection
from keyturn.agent.conversation import Conversation
from keyturn.agent.hooks import Hooks
from keyturn.agent.item_requests import ItemRequests
from keyturn.agent.message import Message
from keyturn.agent.permission import Permissions
from keyturn.agent.questions import Matter, Questions
from keyturn.agent.registry import Registry
from keyturn.agent.running import Runner
from keyturn.agent.session_requests import SessionRequests
from keyturn.agent.tasks import Helpers
from keyturn.ground import settings as settings_file
from keyturn.ground import wire
from keyturn.ground.errors import KeyturnError
from keyturn.ground.remembered import Remembered
from keyturn.ground.settings import Settings
from keyturn.ground.wire import RunRequest, WireError
from keyturn.ground.world import World
from keyturn.processes.timer import BootTimer
from keyturn.processes.watch import Watch
from keyturn.scopes.defaults import DefaultsFile
from keyturn.vaults.age.pins import Machine

log = logging.getLogger("keyturn")

# How the keeper ends, for its supervisor to know: forgotten on purpose, or nothing to go on with.
LOCKED, STOPPED = 0, 3

# Requests that a damaged settings file must not stand in the way of.
FORGETTING = (requests.Hello, requests.Lock, requests.Stop, requests.SignOut)

# Restated, for asyncio would lower what the supervisor has asked for.
BACKLOG = 1024
READ_AHEAD = 2 * wire.LARGE_FRAME

Handler = Callable[[Conversation, Any, Settings], Awaitable[object]]


class ElectedError(Exception):
    """A launcher was elected: it has to become the CLI and come back with this ticket."""

    def __init__(self, ticket: str) -> None:
        self.ticket = ticket


class LauncherAsker:
    """Implements `Asker` for a launcher, which can wait but not talk."""

    may_ask = True

    def __init__(self, connection: Connection) -> None:
        self.caller = connection.caller
        self._connection = connection

    async def waiting(self) -> None:
        await self._connection.say_wait(wire.WAIT)

    async def elected(self, permissions: Permissions, matter: Matter, ticket: str) -> None:
        raise ElectedError(ticket)


class Keeper:
    """Wires the rooms together and serves the socket."""

    def __init__(self, world: World) -> None:
        self._world = world
        directories = world.directories
        self._settings_file = Remembered(directories.settings, settings_file.load)
        self._helpers = Helpers(world.environment)
        registry = Registry(directories.accounts)
        machine = Machine(directories.state, world.clock, world.uid, world.settings.vault.versions_kept)
        self._accounts = Accounts(registry, machine, self._helpers, world.clock)
        self._approvals = Approvals(world.clock)
        self._questions = Questions(lambda: self._settings_or_defaults().prompt.timeout_seconds)
        permissions = Permissions(self._accounts, self._approvals, self._questions, self._touch)
        defaults_file = DefaultsFile(directories.defaults)
        self._runner = Runner(permissions, defaults_file, Hooks())
        self._handlers = self._wire_handlers(permissions, defaults_file)
        self._large_frames = asyncio.Semaphore(LARGE_FRAMES_AT_ONCE)
        self._used = world.clock.boot()
        self._timer: BootTimer | None = None
        self._watch: Watch | None = None
        self._forgetting: asyncio.Future[None] | None = None

    def _wire_handlers(
        self, permissions: Permissions, defaults_file: DefaultsFile
    ) -> dict[type[requests.Request], Handler]:
        session = SessionRequests(permissions)
        account = AccountRequests(permissions, self._world.directories)
        item = ItemRequests(permissions, defaults_file, self._world.clock)
        return {
            requests.Hello: session.hello,
            requests.GetStatus: session.status,
            requests.Talk: session.talk,
            requests.SignIn: session.sign_in,
            requests.SignOut: session.sign_out,
            requests.Lock: self._lock,
            requests.Stop: self._stop,
            requests.CreateAccount: account.create,
            requests.AddAccount: account.add,
            requests.ListAccounts: account.list,
            requests.TrustAccount: account.trust,
            requests.ForgetAccount: account.forget,
            requests.RenameAccount: account.rename,
            requests.ListSlots: account.list_slots,
            requests.AddSlot: account.add_slot,
            requests.RemoveSlot: account.remove_slot,
            requests.ChangePassword: account.change_password,
            requests.CreateVault: account.create_vault,
            requests.ListVaults: account.list_vaults,
            requests.ListItems: item.list,
            requests.GetItem: item.get,
            requests.CreateItem: item.create,
            requests.EditItem: item.edit,
            requests.CheckItem: item.check,
            requests.SetDefault: item.set_default,
        }

    def _settings(self) -> Settings:
        return self._settings_file.get()

    def _settings_or_defaults(self) -> Settings:
        """For what must work with a damaged file as well: to forget, and to notice that it is time to."""
        try:
            return self._settings()
        except KeyturnError:
            return Settings()

    async def serve(self, listening: socket.socket, ready: Callable[[], None]) -> None:
        """Answer until the process is ended by `lock`."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_exception)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.end, STOPPED)
        self._timer = BootTimer(loop, self._check_idle)
        self._watch = Watch(loop, self._world.directories.socket, self._unreachable)
        await asyncio.start_unix_server(self._accepted, sock=listening, backlog=BACKLOG, limit=READ_AHEAD)
        ready()
        await asyncio.Event().wait()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream: socket.socket = writer.get_extra_info("socket")
        try:
            caller = callers.of(stream, self._world.uid)
        except (StrangerError, OSError):
            writer.transport.abort()
            return
        connection = Connection(reader, writer, caller, self._large_frames)
        try:
            await self._serve(connection)
        except asyncio.CancelledError:
            # The other side hung up; there is nobody to tell.
            pass
        except (WireError, EOFError, TimeoutError, ConnectionError):
            # What a stranger to the protocol sent is not repeated anywhere.
            pass
        except Exception as error:  # noqa: BLE001  # one client's trouble is not the others'
            log.error("failed: %s", where(error))
        finally:
            await connection.close()

    async def _serve(self, connection: Connection) -> None:
        first = await connection.first_frame()
        if self._accounts.any_unlocked and self._idle_left() <= 0:
            # The timer may be late, after suspend above all. The next keeper answers this client.
            await self._forget(LOCKED)
        if first[0] != wire.VERSION:
            await connection.send(wire.encode_mismatch())
        elif first[1:2] == wire.RUN:
            await connection.send(await self._run(connection, first[2:]))
        elif first[1:2] == wire.CONTROL:
            await self._control(connection, first[2:])
            while True:
                await self._control(connection, await connection.receive())

    async def _run(self, connection: Connection, body: bytes) -> bytes:
        try:
            request = RunRequest.decode(body)
            go = await self._runner.run(LauncherAsker(connection), request, self._settings())
            return go.encode()
        except WireError:
            raise
        except ElectedError as elected:
            return wire.encode_talk(elected.ticket)
        except KeyturnError as error:
            return wire.encode_error(error)
        except Exception as error:  # noqa: BLE001  # as above
            log.error("run failed: %s", where(error))
            return wire.encode_error(_internal())

    async def _control(self, connection: Connection, body: bytes) -> None:
        try:
            request = messages.decode_request(body)
        except msgspec.DecodeError:
            if messages.is_reply(body):
                # To a question that was withdrawn in the same moment.
                return
            error = WireError(
                "the agent does not understand this request", "both sides of one version? keyturn agent stop"
            )
            await connection.send(messages.encode(messages.failed(error)))
            return
        client = Conversation(connection, may_ask=request.may_ask)
        answer: Message
        try:
            settings = self._settings_or_defaults() if isinstance(request, FORGETTING) else self._settings()
            result = await self._handlers[type(request)](client, request, settings)
            answer = messages.Done(result=result)
        except WireError:
            raise
        except KeyturnError as error:
            answer = messages.failed(error)
        except (EOFError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001  # as above
            log.error("%s failed: %s", type(request).__name__, where(error))
            answer = messages.failed(_internal())
        await connection.send(messages.encode(answer))

    def _touch(self) -> None:
        """An account was used: the idle limit starts anew. Asking for the status, say, is no use."""
        self._used = self._world.clock.boot()
        if self._accounts.any_unlocked and self._timer is not None and not self._timer.is_set:
            self._timer.set_in(self._idle_left())

    def _idle_left(self) -> float:
        return self._used + self._settings_or_defaults().lock.idle_hours * 3600 - self._world.clock.boot()

    def _check_idle(self) -> None:
        left = self._idle_left()
        if left <= 0:
            log.info("idle limit")
            self._forgetting = asyncio.ensure_future(self._forget(LOCKED))
        elif self._timer is not None:
            self._timer.set_in(left)

    def _unreachable(self) -> None:
        """The socket is gone, with its directory at logout perhaps: nobody can come, so nothing is kept."""
        log.info("the socket is gone")
        self._forgetting = asyncio.ensure_future(self._forget(STOPPED))

    async def _lock(self, client: Conversation, request: requests.Lock, settings: Settings) -> object:
        await self._forget(LOCKED)
        return None

    async def _stop(self, client: Conversation, request: requests.Stop, settings: Settings) -> object:
        await self._forget(STOPPED)
        return None

    async def _forget(self, status: int) -> None:
        """Forget by ending: files that are being written are finished first, for two seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._accounts.finish()
        self.end(status)

    def end(self, status: int) -> None:
        """End this process and every helper; the memory is gone when the supervisor has reaped it."""
        self._helpers.kill_all()
        log.info("locked" if status == LOCKED else "stopped")
        logging.shutdown()
        os._exit(status)


def where(error: BaseException) -> str:
    """An error's kind and place. Its text may hold anything and is not for a log."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = (
        f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
        if trace is not None
        else "?"
    )
    return f"{type(error).__name__} at {place}"


def _internal() -> KeyturnError:
    return KeyturnError(
        "the agent met an error of its own", "its log says where: agent.log in the state directory"
    )


def _log_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    log.error("unhandled: %s", where(error) if isinstance(error, BaseException) else "without an exception")


def run(world: World, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Be the keeper; never returns."""
    asyncio.run(_main(world, listening, ready))


async def _main(world: World, listening: socket.socket, ready: Callable[[], None]) -> None:
    await Keeper(world).serve(listening, ready)
