"""Sign-ins to a service that no vault holds: a person agrees in a browser, and the service gives a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from keyturn.ground.secret import Secret

# Where in an address the port of the person's side goes, and the path that it is called back at.
PORT = "{port}"
CALLBACK = "/oauth/callback"


@dataclass(frozen=True)
class Redirected:
    """What a browser was sent back with: the port that it called, and the query of the address."""

    port: int
    query: Secret


@runtime_checkable
class Browsing(Protocol):
    """The side of the person who signs in."""

    @property
    def has_browser(self) -> bool:
        """Whether a browser on the person's screen can reach a port on the loopback of this machine."""

    async def show(self, *lines: str) -> None:
        """Show these lines until something else comes."""

    async def browse(self, address: str, *lines: str) -> Redirected:
        """Open `address`, with `PORT` in it, in the browser; `lines` are shown until it is sent back.

        The port is that of a server on the loopback, which waits for the browser at `CALLBACK`.
        """


@dataclass(frozen=True)
class SignInQuestion:
    """Which service a person has to sign in to: `key` tells one from another, `title` is what it is called.

    `carry_out` does it, and keeps what it brings. It raises KeyturnError.
    """

    key: str
    title: str
    carry_out: Callable[[Browsing], Awaitable[None]] = field(repr=False, compare=False)
