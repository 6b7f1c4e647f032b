"""What is said to polkit (its reference manual, “org.freedesktop.PolicyKit1.Authority”)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from keyturn.auth.system_bus import BUS, BUS_PATH, CALL_SECONDS, Bus, BusError, NoBusError
from keyturn.ground.names import new_id
from keyturn.processes.facts import Process

# The action that a policy file of ours makes known.
ACTION = "io.github.keyturn.approve"

SERVICE = "org.freedesktop.PolicyKit1"
PATH = "/org/freedesktop/PolicyKit1/Authority"
INTERFACE = "org.freedesktop.PolicyKit1.Authority"
FAILED, CANCELLED = f"{SERVICE}.Error.Failed", f"{SERVICE}.Error.Cancelled"
NOT_AUTHORIZED = f"{SERVICE}.Error.NotAuthorized"
ALLOW_USER_INTERACTION = 1
# Of polkit's side only, so that a dialog is not left behind because polkit is slow.
CANCEL_SECONDS = 2.0

Details: TypeAlias = dict[str, str]


@dataclass(frozen=True)
class Result:
    """polkit's answer. `would_ask`: not allowed as it is, but somebody could be asked."""

    allowed: bool
    would_ask: bool
    details: Details

    @property
    def was_dismissed(self) -> bool:
        return bool(self.details.get("polkit.dismissed"))


class Authority:
    """polkit, over a connection to the system bus. Everything raises BusError and NoBusError."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def check(self, process: Process, details: Details) -> Result:
        """Whether `process` may do our action as things are; nobody is asked."""
        return await self._check(process, details, 0, "", CALL_SECONDS)

    async def ask(self, process: Process, details: Details) -> Result:
        """Have the person asked, for as long as it takes. Cancelled, this takes the dialog back."""
        cancellation = new_id()
        try:
            return await self._check(process, details, ALLOW_USER_INTERACTION, cancellation, seconds=None)
        except asyncio.CancelledError:
            with contextlib.suppress(BusError, NoBusError):
                await self._call("CancelCheckAuthorization", "s", (cancellation,), CANCEL_SECONDS)
            raise

    async def _check(
        self, process: Process, details: Details, flags: int, cancellation: str, seconds: float | None
    ) -> Result:
        body = (_subject(process), ACTION, details, flags, cancellation)
        [answer] = await self._call("CheckAuthorization", "(sa{sv})sa{ss}us", body, seconds)
        return Result(*answer)

    @asynccontextmanager
    async def registered(self, process: Process, path: str) -> AsyncIterator[None]:
        """While the block runs, polkit asks by calls to our object at `path` whatever concerns `process`.

        Without the option `fallback`: outside a session of logind, such an agent is never used (polkit 122).
        """
        agent: tuple[Any, ...] = (_subject(process), "en_US.UTF-8", path, {})
        await self._call("RegisterAuthenticationAgentWithOptions", "(sa{sv})ssa{sv}", agent)
        try:
            yield
        finally:
            with contextlib.suppress(BusError, NoBusError):
                unregistered = (_subject(process), path)
                await self._call("UnregisterAuthenticationAgent", "(sa{sv})s", unregistered, CANCEL_SECONDS)

    async def unique_name(self) -> str:
        """polkit's own name on the bus: who calls in polkit's name has it."""
        [name] = await self._bus.call(BUS, BUS_PATH, BUS, "GetNameOwner", "s", (SERVICE,))
        return str(name)

    async def _call(
        self, method: str, signature: str, body: tuple[Any, ...], seconds: float | None = CALL_SECONDS
    ) -> tuple[Any, ...]:
        return await self._bus.call(SERVICE, PATH, INTERFACE, method, signature, body, seconds)


def _subject(process: Process) -> tuple[str, dict[str, tuple[str, Any]]]:
    """A process as polkit names one. The start time, in clock ticks since boot, tells a reused pid."""
    named = {"pid": ("u", process.pid), "start-time": ("t", process.start), "uid": ("i", process.uid)}
    return "unix-process", named
