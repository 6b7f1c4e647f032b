"""The account's password as an authenticator, and what slows down guessing."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable

from keyturn.auth.protocol import Asking
from keyturn.ground.clock import Clock
from keyturn.ground.errors import DeniedError, WrongPasswordError
from keyturn.ground.secret import Secret

ATTEMPTS = 3
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
RECOVERY = "a recovery code opens the account at the same prompt"


class Password:
    """Asks for the password, three times at most, and lets `check` judge it (WrongPasswordError: no)."""

    name = "password"

    def __init__(
        self,
        prompt: str,
        check: Callable[[Secret], Awaitable[None]],
        unavailable: str = "",
        hints: tuple[str, ...] = (RECOVERY,),
    ) -> None:
        """`unavailable` says why there is no password to ask for; `hints` what else the prompt takes."""
        self._prompt = prompt
        self._check = check
        self._unavailable = unavailable
        self._hints = hints

    async def unavailable(self) -> str:
        return self._unavailable

    async def approve(self, asking: Asking) -> None:
        warning = ""
        for attempt in range(1, ATTEMPTS + 1):
            answer = await asking.secret(self._prompt, warning)
            try:
                await self._check(answer)
                return
            except WrongPasswordError as error:
                warning = f"{error.message} ({attempt} of {ATTEMPTS})"
        raise DeniedError(
            f"wrong password, {ATTEMPTS} times",
            "wait some seconds, then try again; three more wrong ones double the pause",
            *self._hints,
        )


class Verifier:
    """Tells whether a password is the one that opened the account, without the slot's costly derivation.

    It lives only beside the open keys, in the keeper's memory: whoever could read it has those.
    """

    def __init__(self, password: Secret) -> None:
        self._salt = secrets.token_bytes(16)
        self._digest = self._derive(password)

    def matches(self, password: Secret) -> bool:
        """Takes some 30 ms; call it off the loop."""
        return hmac.compare_digest(self._derive(password), self._digest)

    def _derive(self, password: Secret) -> bytes:
        text = password.reveal().encode("utf-8", "surrogatepass")
        return hashlib.scrypt(text, salt=self._salt, n=1 << 13, r=8, p=1, dklen=32)


class Attempts:
    """After three wrong passwords in a row, a pause that doubles with every further three (SECURITY 22)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    def check_pause(self) -> None:
        """Raises DeniedError while a pause lasts."""
        left = self._until - self._clock.boot()
        if left > 0:
            seconds = int(left) + 1
            raise DeniedError(
                f"too many wrong passwords; try again in {seconds} second{'s' if seconds > 1 else ''}",
                "no password is looked at before",
            )

    def failed(self) -> None:
        self._failures += 1
        if self._failures % ATTEMPTS == 0:
            pause = FIRST_PAUSE * 2 ** (self._failures // ATTEMPTS - 1)
            self._until = self._clock.boot() + min(pause, LONGEST_PAUSE)

    def succeeded(self) -> None:
        self._failures, self._until = 0, 0.0
