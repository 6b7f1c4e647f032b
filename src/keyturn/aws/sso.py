"""The calls to IAM Identity Center's portal: what roles a person has, and their credentials.

Each blocks, and is tried once. The token is sent in a header, so only where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from keyturn.aws import sts
from keyturn.aws.calls import Keys, Network
from keyturn.aws.sso_config import SsoSession, SsoSource, called
from keyturn.aws.sts import Answer, Refused, Trouble, Unanswered
from keyturn.ground.errors import KeyturnError, ServiceRefusedError, SignedOutError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret

SERVICE = "sso"
UNAUTHORIZED = "UnauthorizedException"
# An organization has some thousands of accounts, and a page a hundred of them.
MOST_PAGES = 500
PAGE = 100


@dataclass(frozen=True)
class Account:
    """An AWS account that a person may use. `name` and `email` are as its owner wrote them."""

    id: str
    name: str
    email: str


def role_credentials(source: SsoSource, token: Secret, network: Network) -> Answer:
    """The keys of a role. Raises Refused and Unanswered as `sts.ask`."""
    with _calling(source.session, token, network) as client:
        made = client.get_role_credentials(
            roleName=source.role_name, accountId=source.account_id, accessToken=token.reveal()
        )
        found = made["roleCredentials"]
        keys = Keys(
            str(found["accessKeyId"]),
            Secret(str(found["secretAccessKey"])),
            Secret(str(found["sessionToken"])),
            datetime.fromtimestamp(int(found["expiration"]) / 1000, UTC),
        )
        if not (keys.key_id and keys.secret and keys.token):
            raise ValueError("incomplete keys")
        return Answer(keys, sts.date_of(made))


def accounts(session: SsoSession, token: Secret, network: Network) -> list[Account]:
    """The accounts of the person, by name. Raises as `role_credentials`."""
    with _calling(session, token, network) as client:
        rows = _pages(client.list_accounts, "accountList", token)
        found = [
            Account(str(row["accountId"]), str(row.get("accountName", "")), str(row.get("emailAddress", "")))
            for row in rows
        ]
    return sorted(found, key=lambda account: (account.name.casefold(), account.id))


def roles(session: SsoSession, account: str, token: Secret, network: Network) -> list[str]:
    """The names of the person's roles in an account. Raises as `role_credentials`."""
    with _calling(session, token, network) as client:
        rows = _pages(client.list_account_roles, "roleList", token, accountId=account)
        return sorted(str(row["roleName"]) for row in rows)


def end(session: SsoSession, token: Secret, network: Network) -> None:
    """End the sign-in at the service, for its person everywhere. Raises as `role_credentials`."""
    with _calling(session, token, network) as client:
        client.logout(accessToken=token.reveal())


def explain(refused: Refused, doing: str, session: SsoSession) -> KeyturnError:
    """The error for a person; `doing` is what was tried, as a phrase that a line can begin with."""
    if refused.code == UNAUTHORIZED:
        return SignedOutError(
            f"{doing}: {called(session)} does not hold any more", "sign in again: keyturn aws sso login"
        )
    if refused.code in ("ForbiddenException", "ResourceNotFoundException", "AccessDeniedException"):
        return ServiceRefusedError(
            f"{doing}: IAM Identity Center has no such account and role for you",
            "those that you have: keyturn aws sso list",
            f"AWS says: {refused.message or 'nothing'}",
        )
    return ServiceRefusedError(
        f"{doing}: IAM Identity Center refuses ({printable(refused.code, 60) or 'without a reason'})",
        f"AWS says: {refused.message or 'nothing'}",
    )


def _pages(ask: Any, key: str, token: Secret, **wanted: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    following: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        answer = ask(accessToken=token.reveal(), maxResults=PAGE, **wanted, **following)
        rows += answer[key]
        if not answer.get("nextToken"):
            return rows
        following = {"nextToken": answer["nextToken"]}
    raise Unanswered(Trouble.NONSENSE, "the portal")


@contextmanager
def _calling(session: SsoSession, token: Secret, network: Network) -> Iterator[Any]:
    with sts.calling(SERVICE, session.portal, None, network, token) as client:
        yield client
