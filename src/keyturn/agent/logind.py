"""What logind says: the machine goes to sleep or is switched off, the screen locks, the user logs out.

A help and never a condition: without a bus or without logind nothing happens, and deadlines hold as ever.
There is no reconnecting by the clock: a bus ends with its machine, and the next keeper looks again.

Sleep waits for us: a *delay* lock (systemd.io/INHIBITOR_LOCKS) is held while the agent runs. logind goes on
when it is let go, by `on_sleep` returning or by the end of this process, and after five seconds in any case.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keyturn.processes.bus import Bus, Signal

log = logging.getLogger("keyturn")

# The bus's own fixed place (D-Bus Specification, “System message bus”). A variable could lead to another one.
SYSTEM_BUS = "/run/dbus/system_bus_socket"

NAME = "org.freedesktop.login1"
PATH = "/org/freedesktop/login1"
MANAGER = "org.freedesktop.login1.Manager"
SESSION = "org.freedesktop.login1.Session"
BUS = "org.freedesktop.DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"

MANAGER_SIGNALS = ("PrepareForSleep", "PrepareForShutdown", "SessionNew", "SessionRemoved", "UserRemoved")

# Less than the five seconds that logind waits (logind.conf, InhibitDelayMaxSec).
CALLBACK_SECONDS = 4.0


async def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Callbacks:
    """What is done, one after the other. An error in one is logged by its kind and changes nothing else."""

    on_sleep: Callable[[], Awaitable[None]] = _nothing
    on_screen_lock: Callable[[], Awaitable[None]] = _nothing
    on_logout: Callable[[], Awaitable[None]] = _nothing


class Logind:
    """Follows logind for one user from `start` to `close`.

    Logout is: the last of the user's sessions ended that were seen here, or logind let the user go, or the
    machine is being switched off. A user who lingers is logged out all the same.
    """

    def __init__(self, uid: int, callbacks: Callbacks, path: str = SYSTEM_BUS, bus_owner: int = 0) -> None:
        self._uid = uid
        self._callbacks = callbacks
        self._path = path
        self._bus_owner = bus_owner
        self._task: asyncio.Task[None] | None = None
        self._owner = ""
        self._sessions: set[str] = set()
        self._delay = -1
        # Set while signals arrive; a test waits for it.
        self.following = asyncio.Event()

    def start(self) -> None:
        """Begin, or begin again after the bus has gone; returns at once and never raises."""
        if sys.platform == "linux" and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop following and let the machine sleep."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def delays_sleep(self) -> bool:
        """Whether sleep waits until `on_sleep` has returned."""
        return self._delay >= 0

    async def _follow(self) -> None:
        bus: Bus | None = None
        try:
            if not os.path.exists(self._path):  # noqa: ASYNC240  # memory, not a disk
                return
            # Off the loop: whoever asks the agent now does not wait for it.
            module = await asyncio.to_thread(_bus_module)
            bus = await module.Bus.open(self._path, self._bus_owner)
            await self._subscribe(bus)
            self.following.set()
            while (signal := await bus.next_signal()) is not None:
                await self._take(bus, signal)
        except Exception as error:  # noqa: BLE001  # nothing depends on it
            log.info("logind is not followed: %s", type(error).__name__)
        finally:
            self.following.clear()
            self._let_sleep()
            if bus is not None:
                bus.close()

    async def _subscribe(self, bus: Bus) -> None:
        """Ask for the signals first and for the state then: nothing falls in between."""
        await bus.follow(sender=BUS, interface=BUS, member="NameOwnerChanged", arg0=NAME)
        for member in MANAGER_SIGNALS:
            await bus.follow(sender=NAME, interface=MANAGER, member=member)
        await bus.follow(sender=NAME, interface=SESSION, member="Lock")
        await bus.follow(sender=NAME, interface=PROPERTIES, member="PropertiesChanged", arg0=SESSION)
        await self._meet(bus, await bus.owner(NAME))

    async def _meet(self, bus: Bus, owner: str) -> None:
        """logind is there, under this unique name; or is not (empty), and then what was known still holds."""
        self._owner = owner
        if not owner:
            return
        listed = await _asked(bus.call(owner, PATH, MANAGER, "ListSessions"))
        if listed is not None:
            self._sessions = {path for _, uid, _, _, path in listed[0] if uid == self._uid}
        await self._delay_sleep(bus)

    async def _delay_sleep(self, bus: Bus) -> None:
        """Have sleep wait for us. May be refused, while the machine is about to sleep for example."""
        if self._delay >= 0:
            return
        words = ("sleep", "Keyturn", "forget the keys before sleep", "delay")
        got = await _asked(bus.call(self._owner, PATH, MANAGER, "Inhibit", "ssss", words))
        if got is not None:
            self._delay = got[0].to_raw_fd()

    def _let_sleep(self) -> None:
        delay, self._delay = self._delay, -1
        if delay >= 0:
            os.close(delay)

    async def _take(self, bus: Bus, signal: Signal) -> None:
        match signal.interface, signal.member, signal.signature, signal.body:
            case ("org.freedesktop.DBus", "NameOwnerChanged", "sss", (name, _, owner)):
                if signal.sender == BUS and name == NAME:
                    await self._meet(bus, owner)
            case _ if not self._owner or signal.sender != self._owner:
                # Anybody may send a signal to a connection. The sender is what the bus vouches for.
                return
            case ("org.freedesktop.login1.Manager", member, _, body) if signal.path == PATH:
                await self._take_manager(bus, member, signal.signature, body)
            case ("org.freedesktop.login1.Session", "Lock", "", _):
                if signal.path in self._sessions:
                    await self._tell(self._callbacks.on_screen_lock)
            case ("org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", (name, changed, _)):
                is_locked = changed.get("LockedHint") == ("b", True)
                if name == SESSION and is_locked and signal.path in self._sessions:
                    await self._tell(self._callbacks.on_screen_lock)

    async def _take_manager(self, bus: Bus, member: str, signature: str, body: tuple[Any, ...]) -> None:
        match member, signature, body:
            case "PrepareForSleep", "b", (True,):
                await self._tell(self._callbacks.on_sleep)
                self._let_sleep()
            case "PrepareForSleep", "b", (False,):
                await self._delay_sleep(bus)
            case "PrepareForShutdown", "b", (True,):
                await self._tell(self._callbacks.on_logout)
            case "SessionNew", "so", (_, path):
                if await self._is_ours(bus, path):
                    self._sessions.add(path)
            case "SessionRemoved", "so", (_, path):
                if path in self._sessions:
                    self._sessions.discard(path)
                    if not self._sessions:
                        await self._tell(self._callbacks.on_logout)
            case "UserRemoved", "uo", (uid, _):
                if uid == self._uid:
                    await self._tell(self._callbacks.on_logout)

    async def _is_ours(self, bus: Bus, path: str) -> bool:
        got = await _asked(bus.call(self._owner, path, PROPERTIES, "Get", "ss", (SESSION, "User")))
        match got:
            case (("(uo)", (uid, _)),):
                return bool(uid == self._uid)
        return False

    async def _tell(self, callback: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(CALLBACK_SECONDS):
                await callback()
        except Exception as error:  # noqa: BLE001  # the next signal has to be heard as well
            log.error("a signal of logind's was not obeyed: %s", type(error).__name__)


async def _asked(call: Awaitable[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """What the call returned; None for an error: logind may be older, newer or about to end."""
    from keyturn.processes.bus import BusError

    try:
        return await call
    except BusError:
        return None


def _bus_module() -> Any:
    from keyturn.processes import bus

    return bus
