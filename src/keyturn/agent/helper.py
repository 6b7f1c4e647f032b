"""A short-lived process for what is slow or foreign; one task by stdin, one result by stdout.

It forbids reading its memory and then forks, and only the child reads the task: the memory that an
exec leaves can still be open in somebody's hands (keyturn/processes/private.py).
"""

from __future__ import annotations

import importlib
import os

from keyturn.agent import exchange
from keyturn.ground import wire
from keyturn.ground.secret import Secret
from keyturn.processes import private

# Each has `work(task: bytes, prompter: Prompter) -> bytes`, with an encoding of its own for both.
ROOMS = {
    "derive": "keyturn.vaults.age.derive",
    "keyring": "keyturn.vaults.age.keyring",
    "plugin": "keyturn.vaults.age.plugin",
    "ssh": "keyturn.vaults.age.ssh",
    "vault": "keyturn.vaults.operations",
    "pam": "keyturn.auth.pam",
    "touch-id": "keyturn.auth.touch_id",
}


class Pipes:
    """Implements `Prompter` by way of the agent."""

    def __init__(self) -> None:
        self._reading, self._writing = os.dup(0), os.dup(1)
        # What foreign code reads or prints is not the exchange's.
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for descriptor in (0, 1):
            os.dup2(nothing, descriptor)

    def secret(self, prompt: str, warning: str = "") -> Secret:
        return self._ask(exchange.Question(prompt, warning))

    def text(self, prompt: str, warning: str = "") -> str:
        return self._ask(exchange.Question(prompt, warning, echo=True)).reveal()

    def show(self, line: str) -> None:
        self.send(exchange.Shown(line))

    def _ask(self, question: exchange.Question) -> Secret:
        self.send(question)
        return exchange.decode_reply(self.receive()).text

    def receive(self) -> bytes:
        """The next frame's body. Raises EOFError when the agent is gone."""
        return self._exactly(wire.frame_length(self._exactly(wire.LENGTH_BYTES)))

    def _exactly(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = os.read(self._reading, min(length - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def send(self, message: exchange.FromHelper) -> None:
        body = memoryview(exchange.encode(message))
        while body:
            body = body[os.write(self._writing, body) :]


def work() -> int:
    pipes = Pipes()
    wanted = exchange.decode_work(pipes.receive())
    room = importlib.import_module(ROOMS[wanted.room])
    pipes.send(exchange.Result(room.work(wanted.task, pipes)))
    return 0


if __name__ == "__main__":
    raise SystemExit(private.run_privately(work))
