"""The keeper: one process that holds unlocked keys, approvals and answers; to lock is to end it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from keyturn.agent import authenticators, callers, messages, requests
from keyturn.agent.accounts import Accounts
from keyturn.agent.agreement import Agreement
from keyturn.agent.approvals import Approvals
from keyturn.agent.audit import Audit
from keyturn.agent.callers import StrangerError
from keyturn.agent.connection import LARGE_FRAMES_AT_ONCE, Connection
from keyturn.agent.conversation import Conversation
from keyturn.agent.foreign_vaults import ForeignVaults
from keyturn.agent.forgetting import LOCKED, STOPPED, Forgetting
from keyturn.agent.hooks import Hooks
from keyturn.agent.launchers import ElectedError, LauncherAsker
from keyturn.agent.message import Message
from keyturn.agent.permission import Permissions
from keyturn.agent.provisioned_files import ProvisionedFiles
from keyturn.agent.provisioning import Provisioning
from keyturn.agent.questions import Questions
from keyturn.agent.registry import Registry
from keyturn.agent.running import Runner
from keyturn.agent.session_requests import segment
from keyturn.agent.sso_store import SealedSignIns
from keyturn.agent.tasks import Helpers
from keyturn.agent.told import Told
from keyturn.agent.wiring import Handler, Wired, handlers
from keyturn.auth.protocol import Authenticator
from keyturn.catalogue import loader
from keyturn.ground import settings as settings_file
from keyturn.ground import wire
from keyturn.ground.errors import KeyturnError, MissingFieldError, NoDefaultError
from keyturn.ground.remembered import Remembered
from keyturn.ground.settings import Settings
from keyturn.ground.wire import RunRequest, WireError
from keyturn.ground.world import World
from keyturn.scopes.defaults import DefaultsFile
from keyturn.scopes.sessions import SessionDefaults
from keyturn.sdk.codes import TypedCodes
from keyturn.sdk.printed import Outputs
from keyturn.vaults.age.pins import Machine

log = logging.getLogger("keyturn")

# Requests that a damaged settings file must not stand in the way of.
FORGETTING = (requests.Hello, requests.Lock, requests.Stop, requests.SignOut)

# Restated, for asyncio would lower what the supervisor has asked for.
BACKLOG = 1024
READ_AHEAD = 2 * wire.LARGE_FRAME


class Keeper:
    """Wires the rooms together and serves the socket."""

    def __init__(self, world: World, supervisor: int) -> None:
        self._world = world
        directories = world.directories
        loader.use(directories.config, world.uid)
        self._settings_file = Remembered(directories.settings, settings_file.load)
        self._helpers = Helpers(world.environment)
        registry = Registry(directories.accounts)
        machine = Machine(directories.state, world.clock, world.uid, world.settings.vault.versions_kept)
        foreign = ForeignVaults(self._helpers, world.environment, world.clock)
        self._accounts = Accounts(registry, machine, self._helpers, foreign, world.clock)
        self._approvals = Approvals(world.clock, {os.getpid(), supervisor})
        self._questions = Questions(lambda: self._settings_or_defaults().prompt.timeout_seconds)
        self._files = ProvisionedFiles(world)
        self._forgetting = Forgetting(
            world, self._accounts, self._approvals, self._helpers, self._files, self._settings_or_defaults
        )
        agreement = Agreement(self._accounts, self._authenticators)
        typed, outputs = TypedCodes(world.clock), Outputs(world.clock)
        permissions = Permissions(
            self._accounts,
            self._approvals,
            self._questions,
            agreement,
            world.clock,
            self._forgetting.touch,
            typed,
            outputs,
        )
        defaults_file = DefaultsFile(directories.defaults)
        self._audit = Audit(directories.audit_log, world.clock)
        sessions = SessionDefaults(directories.sessions, world.uid)
        sign_ins = SealedSignIns(self._accounts, directories, world)
        hooks = Hooks(world, typed, self._settings, sign_ins, outputs)
        provisioning = Provisioning(permissions, defaults_file, hooks, self._audit)
        self._runner = Runner(
            permissions,
            defaults_file,
            sessions,
            provisioning,
            self._files,
            self._audit,
            Told(directories.told),
        )
        wired = Wired(permissions, self._audit, world, hooks, self._runner)
        self._handlers: dict[type[requests.Request], Handler] = {
            **handlers(wired, defaults_file, sessions, self._forgetting.idle_left),
            requests.Lock: self._lock,
            requests.Stop: self._stop,
        }
        self._large_frames = asyncio.Semaphore(LARGE_FRAMES_AT_ONCE)

    def _authenticators(self, lines: Sequence[str], own: Sequence[Authenticator]) -> Sequence[Authenticator]:
        return authenticators.ordered(self._settings(), lines, self._helpers.work, own)

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
        self._forgetting.start()
        self._files.recover()
        await asyncio.start_unix_server(self._accepted, sock=listening, backlog=BACKLOG, limit=READ_AHEAD)
        ready()
        self._forgetting.follow_desktop()
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
        if self._forgetting.is_due():
            # The next keeper answers this client.
            await self._forgetting.forget(LOCKED)
        if first[0] != wire.VERSION:
            await connection.send(wire.encode_mismatch())
        elif first[1:2] == wire.RUN:
            await connection.send(await self._run(connection, first[2:]))
        elif first[1:2] == wire.SEGMENT:
            status, settings = self._handlers[requests.GetStatus], self._settings_or_defaults()
            await connection.send(await segment(connection, status, settings))
        elif first[1:2] == wire.CONTROL:
            await self._control(connection, first[2:])
            while True:
                await self._control(connection, await connection.receive())

    async def _run(self, connection: Connection, body: bytes) -> bytes:
        try:
            request = RunRequest.decode(body)
            settings = self._settings()
            asker = LauncherAsker(connection, request.environment, settings, self._helpers)
            go = await self._runner.run(asker, request, settings)
            return go.encode()
        except WireError:
            raise
        except ElectedError as elected:
            return wire.encode_talk(elected.ticket)
        except NoDefaultError as error:
            if connection.caller.is_foreground and self._accounts.registry.entries():
                return wire.encode_talk(wire.CHOOSE)
            return wire.encode_error(error)
        except MissingFieldError as error:
            if connection.caller.is_foreground and error.item:
                return wire.encode_talk(wire.MEND + error.item)
            return wire.encode_error(error)
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
        answer: Message
        try:
            settings = self._settings_or_defaults() if isinstance(request, FORGETTING) else self._settings()
            client = Conversation(
                connection, settings, may_ask=request.may_ask, has_browser=request.has_browser
            )
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

    async def _lock(self, client: Conversation, request: requests.Lock, settings: Settings) -> object:
        await self._forgetting.forget(LOCKED)

    async def _stop(self, client: Conversation, request: requests.Stop, settings: Settings) -> object:
        await self._forgetting.forget(STOPPED)


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


def run(world: World, listening: socket.socket, ready: Callable[[], None], supervisor: int) -> None:
    """Be the keeper, of the supervisor with this pid; never returns."""
    asyncio.run(_main(world, listening, ready, supervisor))


async def _main(world: World, listening: socket.socket, ready: Callable[[], None], supervisor: int) -> None:
    await Keeper(world, supervisor).serve(listening, ready)
