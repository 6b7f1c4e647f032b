"""What a profile says about single sign-on (IAM Identity Center): both ways of writing it.

The rules are botocore's (credentials.py, SSOProvider): a profile has an account and a role, and names an
`sso-session` section or, as it was before there were such, has the start URL and the region itself.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from keyturn.aws import partitions
from keyturn.aws.calls import Sts
from keyturn.aws.config import Section, text
from keyturn.aws.endpoints import Surroundings
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution

SESSION, START_URL, REGION, SCOPES = "sso_session", "sso_start_url", "sso_region", "sso_registration_scopes"
ACCOUNT, ROLE = "sso_account_id", "sso_role_name"
# What role credentials need; asked for where a session names no scopes (AWS CLI, SSOTokenFetcherAuth).
DEFAULT_SCOPE = "sso:account:access"

_ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)
# An access portal's role is a permission set's name: IAM Identity Center API, PermissionSetName.
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class SsoSession:
    """One sign-in: who has a token for it may ask for any role that its person has there.

    `name` is that of the `sso-session` section, empty for the older way; the start URL is as written, with
    whatever is behind a `#` (story 27). `oidc` and `portal` are where the services are.
    """

    start_url: str
    region: str
    name: str
    scopes: tuple[str, ...]
    oidc: Sts
    portal: Sts

    @property
    def key(self) -> str:
        """Tells it from any other; what is found under it is meant, and nothing is searched for (story 93).

        The endpoints are part of it: a token goes only where it came from, whatever a later environment says.
        """
        places = (self.oidc.endpoint, self.portal.endpoint)
        return "\n".join((self.name, self.start_url, self.region, *places, *self.scopes))

    @property
    def title(self) -> str:
        """For people."""
        return printable(self.name or self.start_url, 200)


@dataclass(frozen=True)
class SsoSource:
    """A role of an account, through a sign-in."""

    session: SsoSession
    account_id: str
    role_name: str

    @property
    def title(self) -> str:
        """For people."""
        return f"the role {printable(self.role_name)} of account {self.account_id}"


def is_named(section: Section) -> bool:
    """Whether a profile names single sign-on as where its credentials come from.

    With an account or a role it does; with a start URL or a session alone it does unless it has keys.
    """
    if ACCOUNT in section or ROLE in section:
        return True
    return (SESSION in section or START_URL in section) and "aws_access_key_id" not in section


def is_assignment(account_id: str, role_name: str) -> bool:
    """Whether these can be an account's id and a role's name."""
    return bool(_ACCOUNT_ID.fullmatch(account_id) and _ROLE_NAME.fullmatch(role_name))


def called(source: SsoSource | SsoSession) -> str:
    """A phrase for the sign-in that is used."""
    session = source.session if isinstance(source, SsoSource) else source
    return f"the sign-in “{session.title}”"


def read(name: str, section: Section, surroundings: Surroundings) -> SsoSource:
    """The source of profile `name`.

    Raises ConfigurationError for one that lacks something, that contradicts its session, or whose endpoint
    may not get credentials.
    """
    profile = f"profile “{printable(name)}”"
    session = read_session_of(name, section, surroundings)
    lacking = [key for key in (ACCOUNT, ROLE) if not text(section, key).strip()]
    if lacking:
        raise ConfigurationError(
            f"{profile} signs in through IAM Identity Center and lacks {' and '.join(lacking)}",
            "the accounts and roles that you have: keyturn aws sso list",
        )
    account_id, role_name = text(section, ACCOUNT).strip(), text(section, ROLE).strip()
    if not is_assignment(account_id, role_name):
        raise ConfigurationError(
            f"{profile}: sso_account_id is twelve digits and sso_role_name the name of a permission set, not"
            f" “{printable(account_id)}” and “{printable(role_name)}”"
        )
    return SsoSource(session, account_id, role_name)


def read_session_of(name: str, section: Section, surroundings: Surroundings) -> SsoSession:
    """The sign-in that profile `name` names. Raises ConfigurationError as `read`."""
    profile = f"profile “{printable(name)}”"
    if SESSION not in section:
        if START_URL not in section and REGION not in section:
            raise ConfigurationError(
                f"{profile} does not sign in through IAM Identity Center",
                "it needs sso_session, or sso_start_url and sso_region",
            )
        return _session("", section, profile, [name], surroundings)
    session = text(section, SESSION)
    own = surroundings.configuration.sso_sessions.get(session)
    if own is None:
        raise ConfigurationError(
            f"{profile} names the sso_session “{printable(session)}”, and there is no such section",
            f"sections: {_listed(surroundings.configuration.sso_sessions)}",
        )
    for key, value in own.items():
        if section.get(key, value) != value:
            raise ConfigurationError(
                f"{profile} and its sso-session “{printable(session)}” have different {printable(key)}",
                "take it out of the profile",
            )
    return _session(session, own, f"sso-session “{printable(session)}”", [name], surroundings)


def read_session(name: str, surroundings: Surroundings) -> SsoSession:
    """The sign-in of the section `[sso-session name]`. Raises ConfigurationError as `read`."""
    own = surroundings.configuration.sso_sessions.get(name)
    if own is None:
        raise ConfigurationError(
            f"there is no sso-session “{printable(name)}” in the AWS config file",
            f"sections: {_listed(surroundings.configuration.sso_sessions)}",
        )
    return _session(name, own, f"sso-session “{printable(name)}”", [], surroundings)


def _session(
    name: str, section: Section, where: str, profiles: list[str], surroundings: Surroundings
) -> SsoSession:
    lacking = [key for key in (START_URL, REGION) if not text(section, key).strip()]
    if lacking:
        raise ConfigurationError(
            f"{where} lacks {' and '.join(lacking)}",
            "both are on the start page of your organization's portal",
        )
    start_url, region = text(section, START_URL).strip(), text(section, REGION).strip()
    _check_start_url(start_url, where)
    scopes = [scope.strip() for scope in text(section, SCOPES).split(",")] if name else []
    found = tuple(scope for scope in scopes if scope)
    if any(not scope.isascii() or not scope.isprintable() or " " in scope for scope in found):
        raise ConfigurationError(f"{where}: {SCOPES} is a list of scopes with commas between")
    partition = partitions.of_region(region) or partitions.AWS
    regions = [Resolution(region, f"{REGION} of {where}")]

    def place(service: str) -> Sts:
        # STS's own ways to be called do not hold for these two.
        services = dataclasses.replace(surroundings, service=service)
        at = services.sts(profiles, regions, partition)[0]
        return dataclasses.replace(at, variant=at.variant - {"legacy"})

    return SsoSession(start_url, region, name, found or (DEFAULT_SCOPE,), place("sso_oidc"), place("sso"))


def _check_start_url(start_url: str, where: str) -> None:
    """A person's browser is led by it, through AWS's own page: a web page, then."""
    try:
        parts = urlsplit(start_url)
        is_page = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        is_page = False
    if not is_page or not start_url.isprintable() or " " in start_url:
        raise ConfigurationError(
            f"{where}: {START_URL} is no https address: “{printable(start_url, 200)}”",
            "it looks like https://d-1234567890.awsapps.com/start",
        )


def _listed(sections: Mapping[str, Section]) -> str:
    return ", ".join(f"“{printable(name)}”" for name in sorted(sections)[:8]) or "none"
