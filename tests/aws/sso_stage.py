"""A keeper's side of single sign-on without an agent: real access, store, service; made time and person.

Sleeping moves the time of both sides, so that no test waits for a service's interval.
"""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from keyturn.aws.calls import Network, Sts
from keyturn.aws.sso_access import SsoAccess
from keyturn.aws.sso_config import DEFAULT_SCOPE, SsoSession, SsoSource
from keyturn.aws.sso_tokens import TokenStore
from keyturn.ground.secret import Secret
from keyturn.sdk.sign_in import PORT, Redirected
from keyturn.vaults.age import identities
from tests.aws_server.sso import REGION, SsoServer

T = TypeVar("T")

ACCOUNT = "a" * 26
NETWORK = Network()


class Time:
    """Implements `Clock`. It moves when it is told to, and the service's time with it."""

    def __init__(self, sso: SsoServer) -> None:
        self._sso = sso
        self._began = datetime.now(UTC)
        self._moved = 0.0

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._moved)

    def boot(self) -> float:
        return 1000.0 + self._moved

    def awake(self) -> float:
        return self.boot()

    def move(self, seconds: float) -> None:
        self._moved += seconds
        self._sso.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)
        await asyncio.sleep(0)


class Sealing:
    """Implements `Seal` by a real identity."""

    def __init__(self) -> None:
        self.identity = identities.generate()

    def seal(self, content: bytes) -> bytes:
        return identities.seal(content, identities.recipient_of(self.identity))

    def unseal(self, content: bytes) -> bytes | None:
        return identities.unseal(content, self.identity)


class Stores:
    """Implements `Stores` for one account."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.sealing = Sealing()
        self.store = TokenStore(path, ACCOUNT, self.sealing, now)

    async def do(self, account: str, work: Callable[[TokenStore], T]) -> T:
        assert account == ACCOUNT
        return await asyncio.to_thread(work, self.store)


@dataclass
class Person:
    """Implements `Browsing`: does at once what a person would, as `answers` say one after the other.

    A code is approved, denied or left; a page is agreed to, refused, or comes back as something else.
    """

    sso: SsoServer
    answers: list[str] = field(default_factory=list)
    has_browser: bool = False
    shown: list[str] = field(default_factory=list)

    async def show(self, *lines: str) -> None:
        self.shown += lines
        code = lines[1].rpartition(" ")[2]
        answer = self.answers.pop(0) if self.answers else "approved"
        if answer != "left":
            self.sso.approve(code, answer)

    async def browse(self, address: str, *lines: str) -> Redirected:
        self.shown += [address, *lines]
        answer = self.answers.pop(0) if self.answers else "allow"
        back = await asyncio.to_thread(self._agree, address.replace(PORT, "4711"))
        if answer == "another state":
            back = back.replace("state=", "state=x")
        elif answer == "another code":
            back = back.replace("code=", "code=x")
        elif answer == "no code":
            back = back.replace("code=", "cod=")
        elif answer == "deny":
            back = "error=access_denied&state=" + back.rpartition("state=")[2]
        return Redirected(4712 if answer == "another port" else 4711, Secret(back))

    def _agree(self, address: str) -> str:
        class NoRedirect(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *given: Any) -> None:
                return None

        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
        try:
            opener.open(address, b"", timeout=20)
        except urllib.error.HTTPError as error:
            with error:
                return urlsplit(error.headers["Location"]).query
        raise AssertionError("not sent back")


class Stage:
    """All of it together."""

    def __init__(self, sso: SsoServer, directory: Path) -> None:
        self.sso = sso
        self.time = Time(sso)
        self.path = directory / "sign-ins.age"
        self.stores = Stores(self.path, self.time.now)
        self.access = SsoAccess(self.time, self.stores, self.time.sleep)
        self.person = Person(sso)
        place = Sts(REGION, endpoint=sso.endpoint)
        self.session = SsoSession(sso.rules.start_url, REGION, "corp", (DEFAULT_SCOPE,), place, place)
        self.source = SsoSource(self.session, "111111111111", "Admin")

    async def sign_in(self) -> None:
        await self.access.sign_in_question(ACCOUNT, self.session, NETWORK).carry_out(self.person)

    @property
    def kept(self) -> str:
        """All that is kept, as text; for looking for what should not be there."""
        opened = self.stores.sealing.unseal(self.path.read_bytes())
        return json.dumps(json.loads(opened or b"{}"))
