"""The CLI's end of the agent's socket: starts the agent where there is none, answers its questions."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import stat
import subprocess
from collections.abc import Callable
from time import sleep
from typing import Any, Protocol

import msgspec

from keyturn.agent import holder, messages, requests
from keyturn.agent.messages import (
    Answer,
    Ask,
    Browse,
    Cancel,
    Done,
    Ended,
    Execute,
    Failed,
    OtherWay,
    Returned,
    Show,
)
from keyturn.agent.requests import Request
from keyturn.ground import files, wire
from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import CancelledByPersonError, ConfigurationError, UnreachableError
from keyturn.ground.paths import Directories
from keyturn.ground.secret import Secret
from keyturn.ground.world import here
from keyturn.processes import foreign, peers

START_SECONDS = 20.0
# Without a person in it, an answer takes as long as a key derivation and a slow disk at most.
ANSWER_SECONDS = 90.0
STOP_SECONDS, STOP_TRIES, TRY_SECONDS = 5.0, 100, 0.05


class WithdrawnError(Exception):
    """The question that is on the terminal has been settled elsewhere."""


class Questioner(Protocol):
    """Puts the agent's question to the person. `withdrawn` tells when it is not wanted any more."""

    def ask(self, question: Ask | Show, withdrawn: Callable[[], bool], descriptor: int) -> Secret | None:
        """The answer, or None if the person wants another way, which only some questions offer.

        Raises CancelledByPersonError on Ctrl-C, WithdrawnError once `withdrawn` says so. What is merely
        shown stays until then. `descriptor` becomes readable when there is news from the agent.
        """

    def browse(self, question: Browse, withdrawn: Callable[[], bool], descriptor: int) -> tuple[int, Secret]:
        """The port that a browser came back to, and the query that it brought. Raises as `ask`."""


class Agent:
    """Reaches the agent of one set of directories."""

    def __init__(self, directories: Directories, command: list[str], uid: int) -> None:
        """`command` runs Keyturn's interpreter; `-m` and a module follow."""
        self._directories = directories
        self._command = command
        self._uid = uid
        self._clock = SystemClock()
        self._is_open = False
        self._stream: socket.socket | None = None

    def connect(self, *, start: bool = True) -> bool:
        """Connect, starting the agent if there is none. Returns whether there is a connection.

        Raises UnreachableError if it cannot be started, ConfigurationError if the socket is not ours.
        """
        self.close()
        deadline = self._clock.boot() + START_SECONDS
        while self._stream is None and not self._try_connect():
            if not start:
                return False
            self._start_alone()
            if self._clock.boot() > deadline:
                raise UnreachableError("the agent was started but does not accept connections")
        return True

    def _start_alone(self) -> None:
        """Start the agent, or wait a moment while another process does.

        Many first commands at once would otherwise start an interpreter each, of which one becomes the agent.
        """
        for directory in (self._directories.config, self._directories.state):
            files.private_directory(directory, self._uid, mend=True)
        files.private_directory(self._directories.runtime, self._uid)
        starting = holder.take(self._directories.start_lock)
        if starting is None:
            sleep(TRY_SECONDS)
            return
        try:
            if not self._try_connect():
                self._start()
        finally:
            os.close(starting)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._is_open = False

    def _try_connect(self) -> bool:
        runtime, path = self._directories.runtime, self._directories.socket
        try:
            found = os.lstat(runtime)
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self._uid or found.st_mode & 0o077:
            raise ConfigurationError(
                f"{runtime} is not a private directory of yours",
                f"look at it with `ls -ld {runtime}`: it must be yours, no symlink, mode 0700",
            )
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(ANSWER_SECONDS)
        for _ in range(500):
            try:
                stream.connect(os.fsencode(path))
                break
            except BlockingIOError:
                sleep(0.02)
            except (FileNotFoundError, ConnectionRefusedError):
                stream.close()
                return False
        peer = peers.of(stream)
        if peer.pidfd is not None:
            os.close(peer.pidfd)
        if peer.uid != self._uid:
            stream.close()
            raise ConfigurationError("the agent's socket belongs to another user")
        self._stream = stream
        return True

    def _start(self) -> None:
        places = [str(path) for path in (self._directories.config, self._directories.data)]
        places += [str(path) for path in (self._directories.state, self._directories.runtime)]
        try:
            done = subprocess.run(
                [*self._command, "-m", "keyturn.agent.supervisor", *places],
                env=here().agent_environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnreachableError("the agent did not start in time") from None
        except OSError as error:
            raise UnreachableError(f"the agent cannot be started: {files.reason(error)}") from None
        if done.returncode != 0:
            said = done.stdout.decode("utf-8", "replace").strip() or "it says nothing"
            raise UnreachableError(
                f"the agent cannot be started: {said}", f"its log: {self._directories.agent_log}"
            )

    def call(
        self,
        request: Request,
        questioner: Questioner | None = None,
        seconds: float = ANSWER_SECONDS,
        *,
        may_execute: bool = False,
    ) -> Any:
        """Send a request on the connection and return what Done carries.

        `may_execute`: the agent may have a command of the person's configuration run. Raises what the agent
        raised, and UnreachableError if it goes away or is silent for `seconds`.
        """
        head = b"" if self._is_open else bytes([wire.VERSION]) + wire.CONTROL
        self._socket.settimeout(seconds)
        self._send(head + messages.encode(request))
        self._is_open = True
        while True:
            response = self._receive()
            if isinstance(response, Done):
                return response.result
            if isinstance(response, Failed):
                raise messages.error_of(response)
            if isinstance(response, Ask | Show):
                self._answer(response, questioner)
            elif isinstance(response, Browse):
                self._browse(response, questioner)
            elif isinstance(response, Execute):
                self._execute(response, may_execute=may_execute)
            else:
                # Waiting for a person, here or at another terminal.
                self._socket.settimeout(None)

    def stop(self) -> None:
        """End the agent, whatever its version or state. Raises UnreachableError if it does not end."""
        if self.connect(start=False):
            with contextlib.suppress(UnreachableError):
                self.call(requests.Stop(), seconds=STOP_SECONDS)
            self.close()
        for attempt in range(STOP_TRIES):
            # One that did not understand the request, or cannot answer, is asked by a signal.
            held = holder.ask_to_end(self._directories.agent_lock) if attempt else True
            if not held:
                return
            sleep(TRY_SECONDS)
        raise UnreachableError(
            "the agent does not end", f"end its process: its number is in {self._directories.agent_lock}"
        )

    def call_until_closed(self, request: Request) -> None:
        """Send a request whose answer is the end of the connection. Raises what the agent raised."""
        with contextlib.suppress(UnreachableError):
            self.call(request)

    def _answer(self, question: Ask | Show, questioner: Questioner | None) -> None:
        if questioner is None:
            self._send(messages.encode(Cancel(number=question.number)))
            return
        descriptor = self._socket.fileno()

        def withdrawn() -> bool:
            return bool(select.select([descriptor], [], [], 0)[0])

        try:
            answer = questioner.ask(question, withdrawn, descriptor)
        except WithdrawnError:
            return
        except CancelledByPersonError:
            self._send(messages.encode(Cancel(number=question.number)))
            return
        if answer is None:
            self._send(messages.encode(OtherWay(number=question.number)))
            return
        self._socket.settimeout(ANSWER_SECONDS)
        self._send(messages.encode(Answer(number=question.number, secret=answer)))

    def _browse(self, question: Browse, questioner: Questioner | None) -> None:
        descriptor = self._socket.fileno()

        def withdrawn() -> bool:
            return bool(select.select([descriptor], [], [], 0)[0])

        try:
            if questioner is None:
                raise CancelledByPersonError("cancelled")
            port, query = questioner.browse(question, withdrawn, descriptor)
        except WithdrawnError:
            return
        except CancelledByPersonError:
            self._send(messages.encode(Cancel(number=question.number)))
            return
        # The service is asked now, for the token.
        self._send(messages.encode(Returned(number=question.number, port=port, query=query)))

    def _execute(self, wanted: Execute, *, may_execute: bool) -> None:
        if not may_execute:
            raise UnreachableError(
                "the agent wants a command run that nobody asked for", "keyturn agent stop"
            )
        command = wanted.words or wanted.command
        ended = foreign.run_to_end(command, wanted.seconds, self._clock, wanted.assign)
        answer = Ended(
            number=wanted.number,
            status=ended.status,
            output=Secret(ended.output.decode("utf-8", "replace")),
            is_late=ended.is_late,
            is_cut=ended.is_cut,
        )
        self._send(messages.encode(answer))

    @property
    def _socket(self) -> socket.socket:
        if self._stream is None:
            raise UnreachableError("there is no connection to the agent")
        return self._stream

    def _send(self, body: bytes) -> None:
        try:
            self._socket.sendall(wire.frame(body))
        except OSError as error:
            raise UnreachableError(f"the agent went away: {files.reason(error)}") from None

    def _receive(self) -> messages.Response:
        try:
            body = self._exactly(wire.frame_length(self._exactly(wire.LENGTH_BYTES)))
        except TimeoutError:
            raise UnreachableError(
                "the agent does not answer", "end it and try again: keyturn agent stop"
            ) from None
        except OSError as error:
            raise UnreachableError(f"the agent went away: {files.reason(error)}") from None
        if body[:1] == wire.MISMATCH:
            raise UnreachableError(
                "the agent that runs is of another version",
                "end it (it forgets its keys): keyturn agent stop",
            )
        try:
            return messages.decode_response(body)
        except msgspec.DecodeError:
            raise UnreachableError("the agent's answer is not understood", "keyturn agent stop") from None

    def _exactly(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._socket.recv(min(length - len(parts), 1 << 20))
            if not part:
                raise UnreachableError("the agent ended the connection", "try again")
            parts += part
        return bytes(parts)
