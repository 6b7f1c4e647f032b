"""The rules of STS that moto lacks, put into moto: `install(world)`.

moto has checked the signature when these run. Error codes and texts are AWS's own, as people report them.
"""

from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.iam import access_control
from moto.iam.models import iam_backends
from moto.sts.models import STSBackend
from moto.sts.responses import TokenResponse

from tests.aws_server.account import Issued, MfaError, Role, World
from tests.aws_server.refusals import (
    DeniedError,
    InvalidError,
    RefusedByS3Error,
    RefusedError,
    check_seconds,
    check_text,
    invalid_token,
)

HOUR = 3600
# Asia Pacific (Hong Kong) and others: they do not take tokens of the global endpoint unless told to.
OPT_IN_REGIONS = ("ap-east-1", "af-south-1", "me-south-1", "eu-south-1")
GLOBAL_HOST = "sts.amazonaws.com"
ALLOW_ALL = {"policy_document": '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'}


def service_of(headers: Any) -> tuple[str, str]:
    """Region and service of the request's signature."""
    scope = str(headers.get("Authorization", "")).partition("Credential=")[2].split(",")[0].split("/")
    return (scope[2], scope[3]) if len(scope) > 3 else ("", "")


class IssuedKey(access_control.IAMUserAccessKey):  # type: ignore[misc]
    """Temporary keys as moto's access control wants them; the policies are those of the user or the role."""

    def __init__(self, issued: Issued) -> None:
        self.account_id, self.partition = issued.account, issued.partition
        self._access_key_id, self._secret_access_key = issued.key_id, issued.secret
        self._owner_user_name = issued.name
        self._issued = issued

    @property
    def arn(self) -> str:
        return self._issued.arn

    def create_credentials(self) -> Any:
        return access_control.Credentials(self._access_key_id, self._secret_access_key, self._issued.token)

    def collect_policies(self) -> list[Any]:
        if not self._issued.name:
            return [ALLOW_ALL]
        if self._issued.kind != "role":
            policies: list[Any] = super().collect_policies()
            return policies
        names = self.backend.list_role_policies(self._issued.name)
        return [self.backend.get_role_policy(self._issued.name, name)[1] for name in names]


class RootKey(access_control.IAMUserAccessKey):  # type: ignore[misc]
    """The account's own long-lived key."""

    def __init__(self, account: str, partition: str, key_id: str, secret: str) -> None:
        self.account_id, self.partition = account, partition
        self._access_key_id, self._secret_access_key = key_id, secret

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account_id}:root"

    def collect_policies(self) -> list[Any]:
        return [ALLOW_ALL]


class Caller:
    """Who makes a request."""

    def __init__(self, world: World, response: Any) -> None:
        self.key_id = str(response.get_access_key())
        self.issued = world.issued.get(self.key_id)
        self.account, self.partition = response.current_account, response.partition
        self.is_root = self.key_id in world.roots
        self.user: Any = None
        if self.is_root:
            self.arn = f"arn:{self.partition}:iam::{self.account}:root"
        elif self.issued:
            self.arn = self.issued.arn
        else:
            self.user = iam_backends[self.account][self.partition].get_user_from_access_key_id(self.key_id)
            self.arn = self.user.arn

    @property
    def trusted_as(self) -> set[str]:
        """The principals of a trust policy that this caller is."""
        named = {self.arn, "*", f"arn:{self.partition}:iam::{self.account}:root", self.account}
        return named | {self.issued.role} if self.issued and self.issued.role else named


def install(world: World) -> None:
    """Put the rules into moto's classes, for the rest of the process."""
    plain_key = access_control.create_access_key
    plain_identity = STSBackend.get_caller_identity

    def create_access_key(account_id: str, partition: str, access_key_id: str, headers: Any) -> Any:
        if access_key_id in world.roots:
            return RootKey(account_id, partition, access_key_id, world.roots[access_key_id][1])
        issued = world.issued.get(access_key_id)
        if issued is None:
            return plain_key(account_id, partition, access_key_id, headers)
        region, service = service_of(headers)
        check_token(world, issued, str(headers.get("X-Amz-Security-Token", "")), region, service)
        if issued.partition != partition:
            raise access_control.CreateAccessKeyFailure(reason="InvalidId")
        return IssuedKey(issued)

    def get_caller_identity(backend: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
        issued = world.issued.get(access_key_id)
        if issued is not None:
            return issued.user_id, issued.arn, issued.account
        if access_key_id in world.roots:
            account = str(backend.account_id)
            return account, f"arn:{backend.partition}:iam::{account}:root", account
        found: tuple[str, str, str] = plain_identity(backend, access_key_id, region)
        return found

    access_control.create_access_key = create_access_key
    # Which roles trust whom is decided below, with conditions that moto does not know.
    access_control.IAMRequestBase._is_assuming_role_operation = lambda self, resource: False
    STSBackend.get_caller_identity = get_caller_identity
    TokenResponse.get_session_token = lambda self: get_session_token(world, self)
    TokenResponse.get_federation_token = lambda self: get_federation_token(world, self)
    TokenResponse.assume_role = lambda self: assume_role(world, self)


def check_token(world: World, issued: Issued, token: str, region: str, service: str) -> None:
    """Temporary keys have to be whole, in time, and meant for what they are used for."""
    if token != issued.token or (issued.from_global and region in OPT_IN_REGIONS):
        raise access_control.CreateAccessKeyFailure(reason="InvalidToken")
    if world.clock.now() >= issued.expires:
        if service == "s3":
            raise RefusedByS3Error("The provided token has expired.")
        raise RefusedError("ExpiredToken", "The security token included in the request is expired")
    if service == "iam" and issued.kind != "role" and not issued.has_mfa:
        raise invalid_token()


def answer(world: World, issued: Issued, **more: Any) -> ActionResult:
    credentials = {
        "AccessKeyId": issued.key_id,
        "SecretAccessKey": issued.secret,
        "SessionToken": issued.token,
        "Expiration": datetime.fromtimestamp(int(issued.expires), UTC),
    }
    return ActionResult({"Credentials": credentials, **more})


def check_mfa(world: World, caller: Caller, response: Any) -> bool:
    """Whether the request carries a code, which is then spent."""
    serial, code = response._get_param("SerialNumber"), response._get_param("TokenCode")
    if serial is None and code is None:
        return False
    if serial is None or code is None:
        raise DeniedError(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "
        )
    check_text("serialNumber", serial, 9, 256, r"[\w+=/:,.@-]*")
    check_text("tokenCode", code, 6, 6, r"[\d]*")
    # The device is the user's; a role has none.
    user = caller.arn if caller.issued is None or caller.issued.kind == "session" else ""
    try:
        world.check_code(user, serial, code)
    except MfaError as error:
        raise DeniedError(str(error)) from None
    return True


def get_session_token(world: World, response: Any) -> ActionResult:
    caller = Caller(world, response)
    if caller.issued:
        raise DeniedError("Cannot call GetSessionToken with session credentials")
    seconds = check_seconds(response._get_int_param("DurationSeconds"), 129600, 43200)
    if caller.is_root:
        seconds = min(seconds, HOUR)  # silently, as AWS documents it
    has_mfa = check_mfa(world, caller, response)
    user_id = caller.account if caller.is_root else caller.user.id
    name = "" if caller.is_root else caller.user.name
    return answer(
        world, issue(world, response, caller.account, "session", caller.arn, user_id, name, seconds, has_mfa)
    )


def get_federation_token(world: World, response: Any) -> ActionResult:
    caller = Caller(world, response)
    if caller.issued:
        raise DeniedError("Cannot call GetFederationToken with session credentials")
    seconds = check_seconds(response._get_int_param("DurationSeconds"), 129600, 43200)
    name = response._get_param("Name")
    arn = f"arn:{caller.partition}:sts::{caller.account}:federated-user/{name}"
    identity = f"{caller.account}:{name}"
    owner = "" if caller.is_root else caller.user.name
    issued = issue(world, response, caller.account, "federated", arn, identity, owner, seconds, False)
    return answer(world, issued, FederatedUser={"FederatedUserId": identity, "Arn": arn}, PackedPolicySize=6)


def assume_role(world: World, response: Any) -> ActionResult:
    caller = Caller(world, response)
    arn, session = response._get_param("RoleArn"), response._get_param("RoleSessionName")
    check_text("roleArn", arn, 20, 2048, r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF]+")
    check_text("roleSessionName", session, 2, 64, r"[\w+=,.@-]*")
    external_id = response._get_param("ExternalId")
    if external_id is not None:
        check_text("externalId", external_id, 2, 1224, r"[\w+=,.@:\/-]*")
    seconds = check_seconds(response._get_int_param("DurationSeconds"), 43200, HOUR)
    if caller.is_root:
        raise DeniedError("Roles may not be assumed by root accounts.")
    gave_code = check_mfa(world, caller, response)
    has_mfa = gave_code or bool(caller.issued and caller.issued.has_mfa)
    role = world.roles.get(arn)
    if role is None or not may_assume(role, caller, has_mfa, external_id or ""):
        raise DeniedError(
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )
    if caller.issued and seconds > HOUR:
        raise InvalidError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role"
            " chaining"
        )
    if seconds > role.max_seconds:
        raise InvalidError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    account, name = arn.split(":")[4], arn.split("/")[-1]
    known = iam_backends[account][caller.partition].get_role_by_arn(arn)
    session_arn = f"arn:{caller.partition}:sts::{account}:assumed-role/{name}/{session}"
    identity = f"{known.id}:{session}"
    # A role's keys say nothing about MFA, whoever assumed it: the next role of a chain sees none.
    issued = issue(world, response, account, "role", session_arn, identity, name, seconds, False, arn)
    return answer(
        world, issued, AssumedRoleUser={"AssumedRoleId": identity, "Arn": session_arn}, PackedPolicySize=6
    )


def may_assume(role: Role, caller: Caller, has_mfa: bool, external_id: str) -> bool:
    if caller.issued and caller.issued.kind == "federated":
        return False
    return (
        bool(caller.trusted_as.intersection(role.trusted))
        and (has_mfa or not role.needs_mfa)
        and role.external_id in ("", external_id)
    )


def issue(
    world: World,
    response: Any,
    account: str,
    kind: str,
    arn: str,
    user_id: str,
    name: str,
    seconds: int,
    has_mfa: bool,
    role: str = "",
) -> Issued:
    # Through moto's backend, which finds the account of a request by its key.
    key = iam_backends[account][response.partition].create_temp_access_key()
    return world.issue(
        key_id=key.access_key_id,
        kind=kind,
        account=account,
        partition=response.partition,
        arn=arn,
        user_id=user_id,
        name=name,
        role=role,
        expires=world.clock.now() + seconds,
        has_mfa=has_mfa,
        from_global=response.headers.get("Host", "") == GLOBAL_HOST,
    )
