"""Which sign-in is meant, by somebody who names a session, a profile, or nothing."""

from __future__ import annotations

from keyturn.aws.config import text
from keyturn.aws.endpoints import Surroundings
from keyturn.aws.profiles import DEFAULT
from keyturn.aws.sso_config import SESSION, START_URL, SsoSession, read_session, read_session_of
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable

# In the order of AWS CLI 2, whose `sso` commands these resemble.
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


def choose(surroundings: Surroundings, session: str, profile: str) -> tuple[SsoSession, str]:
    """The session that is meant, and the profile whose settings of the network hold; empty if none.

    A session that is named, else that of the profile that is named, by word or by variable; else the default
    profile's; else the only one in the config file. Raises ConfigurationError if none or several are left.
    """
    profiles = surroundings.configuration.profiles
    if session:
        return read_session(session, surroundings), ""
    named = profile or next(
        (surroundings.variables[name] for name in _PROFILES if surroundings.variables.get(name)), ""
    )
    if named:
        if named not in profiles:
            raise ConfigurationError(
                f"there is no profile “{printable(named)}” in the AWS files", _sessions(surroundings)
            )
        return read_session_of(named, profiles[named], surroundings), named
    default = profiles.get(DEFAULT, {})
    if SESSION in default or START_URL in default:
        return read_session_of(DEFAULT, default, surroundings), DEFAULT
    known = sorted(surroundings.configuration.sso_sessions)
    if len(known) == 1:
        return read_session(known[0], surroundings), ""
    if not known:
        older = [name for name, section in profiles.items() if text(section, START_URL)]
        if older:
            return _only(surroundings, older)
        raise ConfigurationError(
            "no profile signs in through IAM Identity Center, and there is no sso-session",
            "write one into the AWS config file: aws configure sso-session",
        )
    raise ConfigurationError(
        f"which sign-in is meant? there are {len(known)}", _sessions(surroundings), "name one: --sso-session"
    )


def _only(surroundings: Surroundings, profiles: list[str]) -> tuple[SsoSession, str]:
    """The one session that several profiles of the older kind share."""
    found: dict[str, tuple[SsoSession, str]] = {}
    for name in sorted(profiles):
        session = read_session_of(name, surroundings.configuration.profiles[name], surroundings)
        found.setdefault(session.key, (session, name))
    if len(found) > 1:
        raise ConfigurationError(
            f"which sign-in is meant? the profiles have {len(found)}", "name a profile: --profile"
        )
    return next(iter(found.values()))


def _sessions(surroundings: Surroundings) -> str:
    known = sorted(surroundings.configuration.sso_sessions)
    return f"sso-sessions: {', '.join(printable(name) for name in known[:8]) or 'none'}"
