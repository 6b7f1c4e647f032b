"""Where sign-ins are kept between commands: one file an account on this machine, sealed for that account.

Not in the vault, whose history they would fill, nor in a file that a backup could read. How it is sealed is
the caller's: what does not open (the account's identity was changed) counts as none, for a sign-in can be had
anew.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from keyturn.aws.sso_config import SsoSession
from keyturn.aws.sso_oidc import Flow, Registration, Token
from keyturn.ground import files
from keyturn.ground.errors import DamagedError, StorageError
from keyturn.ground.secret import Secret, decode_secret, encode_secret
from keyturn.items import Id

log = logging.getLogger(__name__)

LARGEST = 4 * 1024 * 1024
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Seal(Protocol):
    """What closes the file and opens it again."""

    def seal(self, content: bytes) -> bytes:
        """`content`, unreadable without the account."""

    def unseal(self, content: bytes) -> bytes | None:
        """What `seal` was given; None if it does not open."""


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A session that somebody has signed in to, and what it brought."""

    session: SsoSession
    token: Token


class _Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    registration: Registration


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyturn: Literal["sign-ins"]
    format: Literal[1]
    account: Id
    sign_ins: list[SignIn]
    registrations: list[_Known]


_decoder = msgspec.json.Decoder(_Document, dec_hook=decode_secret)
_encoder = msgspec.json.Encoder(enc_hook=encode_secret, order="deterministic")


class TokenStore:
    """The file at `path`, of the account with this id. Every method blocks, and may be called by any thread.

    Each raises StorageError if the file cannot be read or written; `now` is for what has ended by then.
    """

    def __init__(self, path: Path, account: str, seal: Seal, now: Callable[[], datetime]) -> None:
        self._path = path
        self._account = account
        self._seal = seal
        self._now = now
        self._threads = threading.Lock()

    def sign_ins(self) -> list[SignIn]:
        """All of them, ended ones too, by title."""
        with self._threads:
            return sorted(self._load().sign_ins, key=lambda each: each.session.title)

    def find(self, session: SsoSession) -> Token | None:
        """What the sign-in to this very session brought."""
        return next((each.token for each in self.sign_ins() if each.session.key == session.key), None)

    def keep(self, session: SsoSession, token: Token) -> None:
        """Put `token` in the place of what there was for the session."""
        with self._changing() as change:
            was = change.document
            others = [each for each in was.sign_ins if each.session.key != session.key]
            change.document = msgspec.structs.replace(was, sign_ins=[*others, SignIn(session, token)])

    def forget_access(self, session: SsoSession, access: Secret) -> None:
        """The service does not take this access token any more: what can be refreshed stays for that."""
        with self._changing() as change:
            was, kept = change.document, []
            for each in was.sign_ins:
                if each.session.key != session.key or each.token.access != access:
                    kept.append(each)
                elif each.token.refresh is not None:
                    ended = replace(each.token, expires=_LONG_AGO)
                    kept.append(SignIn(each.session, ended))
            change.document = msgspec.structs.replace(was, sign_ins=kept)

    def drop(self, session: SsoSession) -> None:
        """Forget the sign-in to a session, if there is one."""
        with self._changing() as change:
            was = change.document
            kept = [each for each in was.sign_ins if each.session.key != session.key]
            change.document = msgspec.structs.replace(was, sign_ins=kept)

    def registration(self, session: SsoSession, flow: Flow) -> Registration | None:
        """How the service knows this program, as long as that holds for a whole sign-in."""
        with self._threads:
            found = self._load().registrations
        for each in found:
            left = (each.registration.expires - self._now()).total_seconds()
            if each.key == session.key and each.registration.flow is flow and left > REGISTERED_SECONDS:
                return each.registration
        return None

    def keep_registration(self, session: SsoSession, registration: Registration) -> None:
        """Put `registration` in the place of the one for the same session and flow."""
        self._change_registration(session, registration.flow, registration)

    def drop_registration(self, session: SsoSession, flow: Flow) -> None:
        """Forget the registration for a session and flow, if there is one."""
        self._change_registration(session, flow, None)

    def _change_registration(
        self, session: SsoSession, flow: Flow, registration: Registration | None
    ) -> None:
        with self._changing() as change:
            was = change.document
            kept = [
                each
                for each in was.registrations
                if (each.key, each.registration.flow) != (session.key, flow)
                and each.registration.expires > self._now()
            ]
            if registration is not None:
                kept.append(_Known(session.key, registration))
            change.document = msgspec.structs.replace(was, registrations=kept)

    @contextmanager
    def _changing(self) -> Iterator[_Change]:
        """The document, to be replaced by the block; written if it is another then."""
        with self._threads:
            try:
                with files.exclusively(self._path.with_suffix(".lock")):
                    change = _Change(self._load())
                    before = change.document
                    yield change
                    if change.document != before:
                        content = self._seal.seal(_encoder.encode(change.document))
                        files.remove_leftovers(self._path.parent, self._path.name)
                        files.write_atomically(self._path, content)
            except OSError as error:
                raise StorageError(
                    f"cannot write {self._path}: {files.reason(error)}", files.remedy(error)
                ) from None

    def _load(self) -> _Document:
        nothing = _Document("sign-ins", 1, self._account, [], [])
        try:
            sealed, _ = files.read(self._path, LARGEST)
        except FileNotFoundError:
            return nothing
        except OSError as error:
            raise StorageError(
                f"cannot read {self._path}: {files.reason(error)}", files.remedy(error)
            ) from None
        except DamagedError:
            sealed = b""
        content = self._seal.unseal(sealed)
        document = None if content is None else _parse(content)
        if document is None or document.account != self._account:
            log.info("the sign-ins that were kept do not open, and count as none")
            return nothing
        return document


@dataclass
class _Change:
    document: _Document


# The time that a person may take for a sign-in, and more.
REGISTERED_SECONDS = 3600.0


def _parse(content: bytes) -> _Document | None:
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Its text could hold a part of what is in there.
        return None
