"""When the keeper forgets, and how: by ending. The supervisor then forks the next one from clean memory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
from collections.abc import Callable
from typing import NoReturn

from keyturn.agent.accounts import Accounts
from keyturn.agent.approvals import Approvals
from keyturn.agent.logind import Callbacks, Logind
from keyturn.agent.provisioned_files import ProvisionedFiles
from keyturn.agent.tasks import Helpers
from keyturn.ground.settings import Settings
from keyturn.ground.world import World
from keyturn.processes.suspend import SuspendDetector
from keyturn.processes.timer import BootTimer
from keyturn.processes.watch import Watch

log = logging.getLogger("keyturn")

# How the keeper ends, for its supervisor to know: forgotten on purpose, or nothing to go on with.
LOCKED, STOPPED = 0, 3

# What is being written is finished first.
FINISH_SECONDS = 2.0


class Forgetting:
    """The idle limit, sleep, screen lock, logout, the loss of the socket, and a command to lock."""

    def __init__(
        self,
        world: World,
        accounts: Accounts,
        approvals: Approvals,
        helpers: Helpers,
        files: ProvisionedFiles,
        settings: Callable[[], Settings],
    ) -> None:
        """`settings` gives what holds now and raises nothing: forgetting needs no correct file."""
        self._world = world
        self._accounts = accounts
        self._approvals = approvals
        self._helpers = helpers
        self._files = files
        self._settings = settings
        self._used = world.clock.boot()
        self._suspend = SuspendDetector(world.clock)
        self._timer: BootTimer | None = None
        self._values_timer: BootTimer | None = None
        self._watch: Watch | None = None
        self._logind: Logind | None = None
        self._ending: asyncio.Future[NoReturn] | None = None

    def start(self) -> None:
        """Begin to listen for what makes it forget; in the keeper's loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.end, STOPPED)
        self._timer = BootTimer(loop, self._check_idle)
        self._values_timer = BootTimer(loop, self._check_values)
        self._approvals.ended = self._check_values_soon
        self._watch = Watch(loop, self._world.directories.socket, self._unreachable)

    def follow_desktop(self) -> None:
        """Follow logind too, where there is one; once everything else is ready, for it takes a while."""
        callbacks = Callbacks(self._on_sleep, self._on_screen_lock, self._on_logout)
        self._logind = Logind(self._world.uid, callbacks)
        self._logind.start()

    def touch(self) -> None:
        """An account was used: the idle limit starts anew. Asking for the status, say, is no use."""
        self._used = self._world.clock.boot()
        if self._accounts.any_unlocked and self._timer is not None and not self._timer.is_set:
            self._timer.set_in(self.idle_left())
        if self._values_timer is not None and not self._values_timer.is_set:
            self._check_values()

    def idle_left(self) -> float:
        """Seconds until all accounts lock if nothing is used."""
        return self._used + self._settings().lock.idle_hours * 3600 - self._world.clock.boot()

    def is_due(self) -> bool:
        """Whether it is time to forget; asked at each request, for after a suspend a timer may be late and
        nobody may have said that the machine was to sleep."""
        has_slept = self._suspend.has_slept() and self._settings().lock.on_suspend
        return self._accounts.any_unlocked and (has_slept or self.idle_left() <= 0)

    def _check_idle(self) -> None:
        left = self.idle_left()
        if left <= 0:
            log.info("idle limit")
            self._ending = asyncio.ensure_future(self.forget(LOCKED))
        elif self._timer is not None:
            self._timer.set_in(left)

    def _check_values_soon(self) -> None:
        """Not at once, for what ends approvals may end grants next."""
        asyncio.get_running_loop().call_soon(self._check_values)

    def _check_values(self) -> None:
        """Have values out of other programs' vaults dropped where nobody may use the account any more."""
        now, limits, due = self._world.clock.boot(), self._settings().approval, math.inf
        for account, unlocked in self._accounts.foreign_unlocked():
            until = self._approvals.until(account, limits)
            if until <= now:
                unlocked.forget_values()
            else:
                due = min(due, until)
        if self._values_timer is not None and math.isfinite(due):
            self._values_timer.set_in(due - now)

    def _unreachable(self) -> None:
        """The socket is gone, with its directory at logout perhaps: nobody can come, so nothing is kept."""
        log.info("the socket is gone")
        self._ending = asyncio.ensure_future(self.forget(STOPPED))

    async def _on_sleep(self) -> None:
        is_something_known = self._accounts.any_unlocked or self._helpers.running
        if is_something_known and self._settings().lock.on_suspend:
            log.info("the machine goes to sleep")
            await self.forget(LOCKED)

    async def _on_screen_lock(self) -> None:
        """The keys stay, so that a touch is enough afterwards; grants stay, for what runs meanwhile."""
        if self._settings().lock.on_screen_lock:
            log.info("the screen was locked: all approvals end")
            self._approvals.end_all()

    async def _on_logout(self) -> None:
        log.info("the user has logged out")
        await self.forget(STOPPED)

    async def forget(self, status: int) -> NoReturn:
        """Forget by ending: files that are being written are finished first, for two seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                await self._accounts.finish()
        self.end(status)

    def end(self, status: int) -> NoReturn:
        """End this process and every helper; the memory is gone when the supervisor has reaped it."""
        self._helpers.kill_all()
        self._files.stop_pipes()
        log.info("locked" if status == LOCKED else "stopped")
        logging.shutdown()
        os._exit(status)
