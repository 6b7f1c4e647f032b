"""One call to STS (or IAM), by botocore, from a session that reads no environment and no files but its own.

Everything that decides where a call goes and as whom is an argument. There are no retries here: a call that
carries a one-time code must never be sent twice.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keyturn.aws import web_identity
from keyturn.aws.calls import (
    AssumeRole,
    AssumeRoleWithWebIdentity,
    Call,
    GetSessionToken,
    Keys,
    Network,
    Sts,
)
from keyturn.aws.proxies import proxies_for
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret

if TYPE_CHECKING:
    from botocore.session import Session

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
LONGEST_MESSAGE = 300

_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}


@dataclass(frozen=True)
class Answer:
    """What STS gave, and the moment that its own clock showed, if it said so."""

    keys: Keys
    date: datetime | None


class Refused(Exception):  # noqa: N818  # as in a person's words; it never leaves this room
    """STS said no. `message` is its own text, without secrets and fit to print."""

    def __init__(self, code: str, message: str, date: datetime | None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.date = date


class Trouble(StrEnum):
    """Why there is no answer."""

    UNREACHED = "unreached"
    PROXY = "proxy"
    TLS = "tls"
    INTERRUPTED = "interrupted"
    BUSY = "busy"
    NONSENSE = "nonsense"


# The request may have arrived: the same call can succeed a moment later, but its code counts as used.
PASSING = frozenset({Trouble.INTERRUPTED, Trouble.BUSY})


class Unanswered(Exception):  # noqa: N818  # as above
    """There is no answer from `host`, which may be another time."""

    def __init__(self, trouble: Trouble, host: str) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.host = host


def ask(call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
    """Make one call with `keys`, and `code` if it has an MFA device. Blocks.

    Raises Refused, Unanswered, and ConfigurationError for what cannot be sent at all.
    """
    if isinstance(call, AssumeRoleWithWebIdentity):
        token = web_identity.read_token(call.token_file, call.profile)
        with calling("sts", call.sts, None, network, token) as client:
            return _answer(_assume_by_token(client, call, token))
    with calling("sts", call.sts, keys, network, code) as client:
        return _answer(_make(client, call, code))


@contextlib.contextmanager
def calling(
    service: str, place: Sts, keys: Keys | None, network: Network, *secrets: Secret | None
) -> Iterator[Any]:
    """A client of a service for one call, which gives the errors of `ask`; none of `secrets` is in them.

    Without `keys` what it sends is not signed.
    """
    _check(keys, network)
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    client = _client(service, place, keys, network)
    host = printable(urlsplit(client.meta.endpoint_url).hostname or place.region)
    statuses: list[int] = []
    client.meta.events.register(
        f"before-parse.{service}.*", lambda response_dict, **_: statuses.append(response_dict["status_code"])
    )
    try:
        yield client
    except ClientError as error:
        own = [] if keys is None else [keys.secret, keys.token]
        raise _refusal(error.response, host, [*own, *secrets]) from None
    except BotoCoreError as error:
        raise _trouble(error, host) from None
    except (ResponseParserError, LookupError, TypeError, ValueError, AttributeError):
        # What the library makes of an answer that is not AWS's. The error's text would hold it.
        is_failure = bool(statuses) and statuses[-1] >= 500
        raise Unanswered(Trouble.BUSY if is_failure else Trouble.NONSENSE, host) from None
    finally:
        client.close()


def _check(keys: Keys | None, network: Network) -> None:
    """A header with anything else in it ends in an exception whose text holds the header."""
    sent = (
        ()
        if keys is None
        else (
            ("access key id", keys.key_id),
            ("secret access key", keys.secret.reveal()),
            ("session token", "" if keys.token is None else keys.token.reveal()),
        )
    )
    for what, value in sent:
        if not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigurationError(f"the {what} holds characters that no AWS key has")
    if network.ca_bundle:
        try:
            with open(network.ca_bundle, "rb"):
                pass
        except OSError as error:
            raise ConfigurationError(
                f"cannot read the CA bundle {printable(network.ca_bundle, 300)}: {files.reason(error)}",
                "it is named by AWS_CA_BUNDLE or ca_bundle",
            ) from None


def _assume_by_token(client: Any, call: AssumeRoleWithWebIdentity, token: Secret) -> Any:
    return client.assume_role_with_web_identity(
        RoleArn=call.role,
        RoleSessionName=call.session_name,
        WebIdentityToken=token.reveal(),
        DurationSeconds=call.duration,
    )


def _make(client: Any, call: GetSessionToken | AssumeRole, code: Secret | None) -> Any:
    wanted: dict[str, Any] = {"DurationSeconds": call.duration}
    if call.mfa is not None and code is not None:
        wanted |= {"SerialNumber": call.mfa.serial, "TokenCode": code.reveal()}
    if not isinstance(call, AssumeRole):
        return client.get_session_token(**wanted)
    wanted |= {"RoleArn": call.role, "RoleSessionName": call.session_name}
    if call.external_id:
        wanted["ExternalId"] = call.external_id
    if call.tags:
        wanted["Tags"] = [{"Key": key, "Value": value} for key, value in call.tags]
    if call.transitive_tags:
        wanted["TransitiveTagKeys"] = list(call.transitive_tags)
    if call.source_identity:
        wanted["SourceIdentity"] = call.source_identity
    return client.assume_role(**wanted)


def _answer(made: Any) -> Answer:
    found = made["Credentials"]
    secret, token = Secret(found["SecretAccessKey"]), Secret(found["SessionToken"])
    keys = Keys(found["AccessKeyId"], secret, token, found["Expiration"].astimezone(UTC))
    return Answer(keys, date_of(made))


_building = threading.Lock()


def _client(service: str, sts: Sts, keys: Keys | None, network: Network) -> Any:
    """A client for one call: it costs 2 ms, and a connection of its own never turns out to be closed."""

    def build(proxies: Mapping[str, str]) -> Any:
        return session.create_client(
            service,
            region_name=sts.region,
            endpoint_url=sts.endpoint or None,
            verify=network.ca_bundle or True,
            aws_access_key_id=None if keys is None else keys.key_id,
            aws_secret_access_key=None if keys is None else keys.secret.reveal(),
            aws_session_token=None if keys is None or keys.token is None else keys.token.reveal(),
            config=Config(
                signature_version=UNSIGNED if keys is None else None,
                proxies=dict(proxies),
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": 1},
                use_fips_endpoint="fips" in sts.variant,
                use_dualstack_endpoint="dualstack" in sts.variant,
                ignore_configured_endpoint_urls=True,
            ),
        )

    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    # A session is not made for several threads, and the variable is of the session.
    with _building:
        session = _session()
        session.set_config_variable(
            "sts_regional_endpoints", "legacy" if "legacy" in sts.variant else "regional"
        )
        try:
            client = build({})
            proxies = proxies_for(client.meta.endpoint_url, network.proxies)
            if not proxies:
                return client
            client.close()
            return build(proxies)
        except (BotoCoreError, ValueError) as error:
            # A region or an endpoint that cannot be one; the plan has looked at both.
            raise ConfigurationError(
                f"{service.upper()} cannot be called like this: {type(error).__name__}"
            ) from None


@cache
def _session() -> Session:
    """botocore's session with none of its sources but the defaults that it is born with."""
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
    from botocore.loaders import Loader
    from botocore.session import Session
    from botocore.useragent import UserAgentString

    import keyturn

    only_defaults = {
        name: (None, None, default, conversion)
        for name, (_, _, default, conversion) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        only_defaults[file] = (None, None, os.devnull, None)
    session = Session(session_vars=only_defaults)
    session.user_agent_extra = f"keyturn/{keyturn.__version__}"
    # Not ~/.aws/models, from which botocore would take another idea of STS.
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    # Its own would say AWS_EXECUTION_ENV.
    about = (platform.system(), platform.release(), platform.machine(), platform.python_version())
    session.register_component(
        "user_agent_creator", UserAgentString(*about, platform.python_implementation(), None)
    )
    # At the level DEBUG they write whole requests into the log, codes and all.
    for chatty in ("botocore", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return session


def _refusal(
    response: Mapping[str, Any], host: str, secrets: Sequence[Secret | None]
) -> Refused | Unanswered:
    error = response.get("Error", {})
    about = response.get("ResponseMetadata", {})
    code = printable(str(error.get("Code", "")), 60)
    if int(about.get("HTTPStatusCode", 0)) >= 500 or code in _THROTTLED:
        return Unanswered(Trouble.BUSY, host)
    # What OAuth calls it is a member of its own (RFC 6749, 5.2).
    message = str(error.get("Message", "") or response.get("error_description", ""))
    for secret in secrets:
        if secret:
            message = message.replace(secret.reveal(), "…")
    return Refused(code, printable(" ".join(message.split()), LONGEST_MESSAGE), date_of(response))


def _trouble(error: Exception, host: str) -> Unanswered | ConfigurationError:
    from botocore import exceptions as known

    if isinstance(error, known.SSLError):
        return Unanswered(Trouble.TLS, host)
    if isinstance(error, known.ProxyConnectionError):
        return Unanswered(Trouble.PROXY, host)
    if isinstance(error, known.ConnectionError):
        return Unanswered(Trouble.UNREACHED, host)
    if isinstance(error, known.HTTPClientError):
        return Unanswered(Trouble.INTERRUPTED, host)
    if isinstance(error, known.InvalidProxiesConfigError):
        return ConfigurationError("the proxy that the environment names cannot be used")
    # The library checks what is sent; its text repeats values, its kind says enough for a search.
    return ConfigurationError(f"the call to AWS cannot be made: {type(error).__name__}")


def date_of(response: Mapping[str, Any]) -> datetime | None:
    """The moment that the service's own clock showed, if it said so."""
    written = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(written).astimezone(UTC)
    except (TypeError, ValueError):
        return None
