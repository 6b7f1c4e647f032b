"""How a person agrees: in the first way that works here, or in the one they choose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from keyturn.agent import unlocking
from keyturn.agent.accounts import Accounts
from keyturn.agent.registry import Entry
from keyturn.agent.unlocking import TouchAgain
from keyturn.agent.way import Way, hints_of
from keyturn.auth.password import Password
from keyturn.auth.protocol import Asking, Authenticator, OtherWayError
from keyturn.ground.errors import UnusableError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret


class Agreement:
    """Unlocks accounts and gets approvals, by the ways that there are."""

    def __init__(
        self,
        accounts: Accounts,
        authenticators: Callable[[Sequence[str], Sequence[Authenticator]], Sequence[Authenticator]],
    ) -> None:
        """`authenticators` gives the machine's own in order, with an account's in their places; they show
        the lines that say what is agreed to."""
        self._accounts = accounts
        self._authenticators = authenticators

    async def unlock(self, asking: Asking, entry: Entry, lines: Sequence[str]) -> None:
        """Open the account by the first way that is usable; the person may go on to the next one.

        Raises DeniedError, CancelledByPersonError, and what a damaged account raises.
        """
        ways = await asyncio.to_thread(unlocking.ways, self._accounts, entry)
        reasons = {way.name: way.unavailable() for way in ways}
        usable = [way for way in ways if not reasons[way.name]]
        for way in usable:
            try:
                if way is usable[-1]:
                    await self._open(way, asking, lines)
                else:
                    await asking.unless_other_way(self._open(way, asking, lines))
                return
            except OtherWayError:
                reasons[way.name] = "another way was wanted"
            except UnusableError as error:
                reasons[way.name] = error.message
        raise UnusableError("there is no way left to unlock the account", *_listed(reasons))

    async def _open(self, way: Way, asking: Asking, lines: Sequence[str]) -> None:
        await way.look()
        if way.needs_approval:
            # A key that lies open in the login keyring, say: somebody has to have agreed.
            await by_the_first(self._authenticators(lines, ()), asking)
        await way.open(asking)

    async def approve(self, asking: Asking, entry: Entry, lines: Sequence[str]) -> None:
        """Get a yes for an account that is open. Raises DeniedError or CancelledByPersonError for a no."""

        async def check(secret: Secret) -> None:
            await self._accounts.verify(entry, secret)

        prompt = f"password of account “{printable(entry.title)}”: "
        password = Password(prompt, check, self._accounts.without_password(entry), hints_of(entry))
        touch = TouchAgain(self._accounts, entry)
        await by_the_first(self._authenticators(lines, (touch, password)), asking)


async def by_the_first(authenticators: Sequence[Authenticator], asking: Asking) -> None:
    """Ask by the first that is usable; the person may go on to the next one. Raises its DeniedError for a no,
    UnusableError with every reason if none is left."""
    reasons = {each.name: await each.unavailable() for each in authenticators}
    usable = [each for each in authenticators if not reasons[each.name]]
    for each in usable:
        try:
            if each is usable[-1]:
                await each.approve(asking)
            else:
                await asking.unless_other_way(each.approve(asking))
            return
        except OtherWayError:
            reasons[each.name] = "another way was wanted"
        except UnusableError as error:
            reasons[each.name] = error.message
    raise UnusableError("there is no way left to agree", *_listed(reasons))


def _listed(reasons: dict[str, str]) -> list[str]:
    return [f"{name}: {reason}" for name, reason in reasons.items() if reason]
