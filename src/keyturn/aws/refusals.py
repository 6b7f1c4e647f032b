"""What STS says when it says no, in words that name whose keys, which profile and what to do.

The codes and texts are those of AWS's own answers (STS API reference, “Common errors”, and each action's).
"""

from __future__ import annotations

from datetime import datetime

from keyturn.aws import sso_config
from keyturn.aws.calls import AssumeRole, AssumeRoleWithWebIdentity, Call, GetSessionToken
from keyturn.aws.origins import Origin, Process, SsoRole, Step
from keyturn.aws.sts import Refused, Trouble, Unanswered
from keyturn.ground.errors import KeyturnError, ServiceRefusedError, ServiceUnreachableError
from keyturn.ground.names import printable

# STS takes the code of the step before and after, and a signature of the last five minutes.
SKEW_FOR_CODES = 25.0
SKEW_FOR_SIGNATURES = 240.0

# Keys that were good may have ended: what was made of them is to be made anew.
OUTDATED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidToken"})

_CLOCK_CODES = frozenset({"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"})
SET_THE_CLOCK = "set the clock, and let it be kept: timedatectl set-ntp true"
_NO_CODE = "MultiFactorAuthentication failed"


def explain(refused: Refused, call: Call, source: str, now: datetime, typed: bool) -> KeyturnError:
    """The error for a person. `source` says whose keys asked, `now` is this machine's clock at the answer,
    `typed` whether the one-time code came from a person or a command rather than from the item."""
    if isinstance(call, AssumeRoleWithWebIdentity):
        of_token = _token(refused, call)
        if of_token is not None:
            return of_token
    shared = of_keys(refused, step(call), source, call.sts.region, now)
    if shared is not None:
        return shared
    if refused.message.startswith(_NO_CODE):
        return _code(refused, call, source, skew_of(refused, now), typed)
    if refused.code == "RegionDisabledException":
        return _error(
            f"{step(call)}: STS is not active in the region {printable(call.sts.region)} for this account",
            "activate it there, or set another region",
        )
    if "MaxSessionDuration" in refused.message:
        return _error(
            f"{step(call)}: the role allows less than the {_hours(call.duration)} that are asked for",
            "lower duration_seconds in the profile, or raise the role's maximum session duration",
        )
    if "role chaining" in refused.message:
        return _error(
            f"{step(call)}: a role that is assumed with temporary keys lasts one hour at most, "
            f"and {_hours(call.duration)} are asked for",
            "lower duration_seconds in the profile to 3600",
        )
    if "session credentials" in refused.message and not isinstance(call, AssumeRole):
        return _error(
            f"{step(call)}: the keys of {source} are temporary, and those get no session of their own",
            "the item needs the user's long-term keys",
        )
    if refused.code in ("AccessDenied", "AccessDeniedException"):
        return _denied(refused, call, source)
    return _error(f"{step(call)}: AWS refused it ({refused.code or 'without a code'})", _says(refused))


def of_keys(refused: Refused, doing: str, source: str, region: str, now: datetime) -> KeyturnError | None:
    """The error where it is about the keys or this machine's clock; None if it is about something else.

    `doing` is what was asked for, as a phrase that a line can begin with; the others as in `explain`.
    """
    skew = skew_of(refused, now)
    if _is_clock(refused, skew):
        return _clock(skew)
    if refused.code in ("ExpiredToken", "ExpiredTokenException"):
        return _error(f"{doing}: the temporary keys of {source} have expired", "get new ones")
    if refused.code in ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidToken"):
        return _error(
            f"{doing}: AWS does not know the access key id of {source}",
            "was the key deleted or deactivated, or does it belong to another partition?",
            f"AWS says the same if the region {printable(region)} is not enabled for the account",
        )
    if refused.code in ("SignatureDoesNotMatch", "IncompleteSignature"):
        return _error(
            f"{doing}: the secret access key of {source} does not belong to its access key id",
            "store the secret access key again, all forty characters of it",
        )
    return None


def skew_of(refused: Refused, now: datetime) -> float:
    """How many seconds this machine's clock is ahead of AWS's, as far as that is known."""
    return 0.0 if refused.date is None else (now - refused.date).total_seconds()


def unanswered(error: Unanswered, call: Step) -> KeyturnError:
    """The error for a person, when there was no answer."""
    return no_answer(error, step(call))


def no_answer(error: Unanswered, doing: str, service: str = "STS") -> KeyturnError:
    """As `unanswered`, for a call to `service` that `doing` describes."""
    said, *hints = {
        Trouble.UNREACHED: (f"{error.host} cannot be reached", "is the network up, and the name right?"),
        Trouble.PROXY: (
            f"the proxy to {error.host} cannot be reached",
            "it is named by HTTPS_PROXY or HTTP_PROXY; NO_PROXY lists the hosts that need none",
        ),
        Trouble.TLS: (
            f"the TLS certificate of {error.host} is not trusted",
            "does something in between read the traffic? AWS_CA_BUNDLE names its certificate then",
        ),
        Trouble.INTERRUPTED: (f"{error.host} did not answer in time, or broke off", "try again"),
        Trouble.BUSY: (f"{error.host} is busy or fails", "try again in a minute"),
        Trouble.NONSENSE: (
            f"what answered as {error.host} is not {service}",
            "is there a sign-in page in between, or another service at endpoint_url?",
        ),
    }[error.trouble]
    return ServiceUnreachableError(f"{doing}: {said}", *hints)


def step(call: Step) -> str:
    """What a call does, as a phrase that a line can begin with."""
    if isinstance(call, AssumeRole | AssumeRoleWithWebIdentity):
        return f"assuming {role(call)}"
    if isinstance(call, GetSessionToken):
        return f"getting a session with the MFA device {printable(call.mfa.serial)}"
    return f"getting {source(call)}"


def source(call: Origin) -> str:
    """Whose keys a step brings that begins with none."""
    if isinstance(call, SsoRole):
        return f"the keys of {call.source.title} through {sso_config.called(call.source)}"
    called = f"profile “{printable(call.profile)}”"
    if isinstance(call, Process):
        return f"the keys that the credential_process of {called} prints"
    return f"the keys that {call.source} has for {called}"


def purpose(call: Step) -> str:
    """What a one-time code is wanted for, after “to”."""
    return f"assume {role(call)}" if isinstance(call, AssumeRole) else "get temporary keys"


def role(call: AssumeRole | AssumeRoleWithWebIdentity) -> str:
    """A role as its profile names it."""
    return f"the role of profile “{printable(call.profile)}”"


def _token(refused: Refused, call: AssumeRoleWithWebIdentity) -> KeyturnError | None:
    """The error where it is about the token (errors of AssumeRoleWithWebIdentity, STS API reference)."""
    file = printable(call.token_file, 200)
    if refused.code in ("ExpiredToken", "ExpiredTokenException"):
        return _error(
            f"{step(call)}: the web identity token has expired",
            f"what writes {file} has to renew it",
        )
    if refused.code in ("InvalidIdentityToken", "InvalidIdentityTokenException"):
        return _error(
            f"{step(call)}: AWS does not take the web identity token in {file}",
            "is its issuer an OpenID Connect provider of the account, and its audience the right one?",
            _says(refused),
        )
    if refused.code in ("IDPRejectedClaim", "IDPCommunicationError"):
        return _error(
            f"{step(call)}: the token's issuer refused it, or cannot be reached by AWS", _says(refused)
        )
    if refused.code in ("AccessDenied", "AccessDeniedException"):
        return _error(
            f"{step(call)}: {printable(call.role, 200)} may not be assumed with this web identity,"
            " or does not exist",
            "the role's trust policy must name the token's issuer, subject and audience",
            _says(refused),
        )
    return None


def _is_clock(refused: Refused, skew: float) -> bool:
    told = "Signature expired" in refused.message or "Signature not yet current" in refused.message
    is_signature = refused.code in ("SignatureDoesNotMatch", "AccessDenied", *_CLOCK_CODES)
    return refused.code in _CLOCK_CODES or told or (is_signature and abs(skew) > SKEW_FOR_SIGNATURES)


def _clock(skew: float) -> KeyturnError:
    return _error(f"this machine's clock is {_off(skew)}, so AWS refuses what it signs", SET_THE_CLOCK)


def _code(refused: Refused, call: Call, source: str, skew: float, typed: bool) -> KeyturnError:
    serial = printable(call.mfa.serial) if call.mfa is not None else ""
    if call.mfa is None or "must provide" in refused.message:
        return _error(
            f"{step(call)}: AWS wants a one-time code, and no MFA device is known", *_need_mfa(source)
        )
    if "unable to validate" in refused.message or "MFA serial" in refused.message:
        return _error(
            f"{step(call)}: AWS does not know the MFA device {serial} as one of this user's",
            f"compare the serial with the console's; keys: {source}",
        )
    if not typed and abs(skew) > SKEW_FOR_CODES:
        return _error(
            f"{step(call)}: the one-time code is refused, for this machine's clock is {_off(skew)}",
            SET_THE_CLOCK,
        )
    if typed:
        return _error(
            f"{step(call)}: AWS refused the one-time code of {serial}",
            "wait for the device's next code: each one works once, and for half a minute or so",
        )
    return _error(
        f"{step(call)}: AWS refused the one-time code of {serial}",
        f"is the “one-time password” of {source} that device's? scan or type its secret again",
        "a code that was just used elsewhere, the console say, is refused too: then try again",
    )


def _denied(refused: Refused, call: Call, source: str) -> KeyturnError:
    if not isinstance(call, AssumeRole):
        return _error(f"{step(call)}: AWS denies it to {source}", _says(refused))
    hints = ["the role's trust policy must name who asks, and an external id if it demands one"]
    if call.mfa is None:
        hints.append("if it demands MFA: set mfa_serial in the profile, or “mfa serial” in the item")
    return _error(
        f"{step(call)}: {printable(call.role, 200)} may not be assumed with {source}, or does not exist",
        *hints,
        _says(refused),
    )


def _need_mfa(source: str) -> tuple[str, str]:
    return "set mfa_serial in the profile, or “mfa serial” in the item", f"keys: {source}"


def _says(refused: Refused) -> str:
    return f"AWS says: {refused.message or 'nothing'}"


def _off(skew: float) -> str:
    if not skew:
        return "not AWS's"
    by = f"{abs(skew):.0f} s" if abs(skew) < 120 else f"{abs(skew) / 60:.0f} min"
    return f"{by} {'ahead of' if skew > 0 else 'behind'} AWS's"


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"


def _error(message: str, *hints: str) -> KeyturnError:
    return ServiceRefusedError(message, *hints)
