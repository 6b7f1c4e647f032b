"""polkit as an authenticator: the desktop's dialog, a fingerprint, or the same stack as text on the terminal.

polkit answers yes or no about an action of ours, which its policy file (keyturn/auth/polkit_policy.py) has to
make known. What is asked, and by which means, is the system's: PAM's service `polkit-1`.

- A yes that nobody was asked for is none. polkit is asked without interaction first, and only where it says
  that somebody has to be asked is its yes taken. Rules that say yes at once make this way unusable; so does a
  yes that polkit has kept (`auth_self_keep`), for how long an approval lasts is decided here. Where rules say
  no, nobody has: the next way is tried.
- For root polkit says yes to everything, so root's yes is not used.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from keyturn.auth import polkit_agent, system_bus
from keyturn.auth.polkit_authority import NOT_AUTHORIZED, Authority, Details
from keyturn.auth.protocol import Asking
from keyturn.auth.system_bus import BusError, NoBusError
from keyturn.ground.errors import DeniedError, UnusableError
from keyturn.ground.names import printable
from keyturn.processes import identity
from keyturn.processes.facts import Process

NOT_RUNNING = "polkit is not running"
NOT_REGISTERED = "its policy is not installed (keyturn system-auth install)"
FOR_ROOT = "polkit's yes for root is no approval"
LONGEST = 300


class Polkit:
    """Asks polkit. `lines` say what the person is to agree to; `seconds` is how long a dialog may stand."""

    name = "polkit"

    def __init__(self, lines: Sequence[str], seconds: float) -> None:
        self._lines = lines
        self._seconds = seconds

    async def unavailable(self) -> str:
        if sys.platform != "linux":
            return "polkit is for Linux"
        if os.getuid() == 0:
            return FOR_ROOT
        own = identity.read(os.getpid())
        if own is None:
            return "this process is not in the process table"
        try:
            async with system_bus.connect() as bus:
                await Authority(bus).check(own, {})
        except (BusError, NoBusError) as error:
            return _reason(error)
        return ""

    async def approve(self, asking: Asking) -> None:
        process = asking.prompter
        if process is None:
            raise UnusableError("polkit has to be told who asks")
        if process.uid == 0:
            raise UnusableError(FOR_ROOT)
        try:
            async with asyncio.timeout(self._seconds), system_bus.connect() as bus:
                await self._approve(bus, process, asking)
        except TimeoutError:
            raise DeniedError("nobody answered the system's dialog in time") from None
        except (BusError, NoBusError) as error:
            raise UnusableError(_reason(error)) from None

    async def _approve(self, bus: system_bus.Bus, process: Process, asking: Asking) -> None:
        authority = Authority(bus)
        details = await self._check_first(authority, process)
        await asking.show("waiting for the system's dialog")
        result = await authority.ask(process, details)
        if result.would_ask:
            # No agent of a desktop serves this session: over ssh, on a console.
            async with polkit_agent.serving(bus, authority, process, asking) as agent:
                result = await authority.ask(process, details)
            if agent.problem is not None:
                raise agent.problem
        if result.allowed:
            return
        if result.was_dismissed:
            raise DeniedError("dismissed: the system's dialog was closed")
        raise DeniedError("the system's authentication was not passed")

    async def _check_first(self, authority: Authority, process: Process) -> Details:
        """The details that polkit lets us put into the dialog. Raises UnusableError unless it would ask."""
        details = self._details()
        try:
            result = await authority.check(process, details)
        except BusError as error:
            if error.name != NOT_AUTHORIZED:
                raise
            # Details are for root, and for the users whom the policy file names as the action's owners.
            details = {}
            result = await authority.check(process, details)
        if result.allowed:
            raise UnusableError("polkit says yes without asking anybody")
        if not result.would_ask:
            raise UnusableError("polkit's rules do not allow this way")
        return details

    def _details(self) -> Details:
        what = printable("; ".join(self._lines), LONGEST)
        if not what:
            return {}
        # By reference: in a message polkit replaces $(…), and an item may be called so.
        return {"polkit.message": "$(keyturn.what)", "polkit.gettext_domain": "keyturn", "keyturn.what": what}


def _reason(error: BusError | NoBusError) -> str:
    if isinstance(error, NoBusError):
        return f"{NOT_RUNNING}: there is no system bus"
    # An action that is not there has no error of its own (polkitbackendinteractiveauthority.c).
    if "is not registered" in error.text:
        return NOT_REGISTERED
    kind = error.name.rpartition(".")[2]
    if kind in ("ServiceUnknown", "NameHasNoOwner") or kind.startswith("Spawn"):
        return NOT_RUNNING
    if kind in ("NoReply", "TimedOut"):
        return "polkit does not answer"
    return f"polkit cannot be asked ({kind})"
