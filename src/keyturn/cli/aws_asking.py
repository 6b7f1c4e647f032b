"""What every command says that has AWS asked: which item is meant, and how AWS is reached from here."""

from __future__ import annotations

from keyturn.agent import messages, requests
from keyturn.agent.aws_messages import AwsIdentity
from keyturn.agent.sso_messages import SsoRoles
from keyturn.catalogue import loader
from keyturn.cli import surroundings
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.ground.errors import ConfigurationError, NoDefaultError, ServiceRefusedError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.items import ItemReference

PLUGIN = "aws"
# Beside what the plugin reads: IAM is asked by Keyturn alone.
_IAM = b"AWS_ENDPOINT_URL_IAM"
# Nor is a key of the caller's, or a token, any business of who asks with an item's.
_KEYS = (b"AWS_ACCESS_KEY_ID", b"AWS_SECRET_ACCESS_KEY", b"AWS_SESSION_TOKEN", b"AWS_SECURITY_TOKEN")
_NOT_SENT = (*_KEYS, b"AWS_CONTAINER_AUTHORIZATION_TOKEN")


def environment(context: Context) -> list[bytes]:
    """The caller's variables that say how AWS is reached, as `NAME=value`."""
    plugin = loader.load(PLUGIN)
    variables = context.world.variables
    return [
        name + b"=" + value
        for name, value in variables.items()
        if name == _IAM or (plugin.reads_variable(name) and name not in _NOT_SENT)
    ]


def sso_roles(context: Context, profile: str, session: str) -> SsoRoles:
    """What the person may use there; asks for a sign-in first where none holds."""
    request = requests.ListSsoRoles(
        account=context.account,
        may_ask=context.may_ask,
        has_browser=context.has_browser,
        environment=environment(context),
        profile=profile,
        session=session,
    )
    return messages.convert(context.call(request), SsoRoles)


def item(context: Context, name: str) -> tuple[str, str]:
    """Account and item: the one that is named, else the one that `aws` uses here. Raises NoDefaultError."""
    if name:
        return context.account, name
    layers = surroundings.look(context.world).layers(PLUGIN)
    if not layers:
        raise NoDefaultError(
            "no item is chosen for aws here", "name one: keyturn item list --type aws/access-key"
        )
    return layers[0].item.account, layers[0].item.item


def verified_item(context: Context, account: str, name: str, vault: str = "") -> AwsIdentity:
    """Whose keys an item holds, as AWS says.

    Raises ServiceRefusedError, ServiceUnreachableError, and ConfigurationError for temporary keys.
    """
    request = requests.VerifyKeys(
        account=account,
        may_ask=context.may_ask,
        environment=environment(context),
        item=name,
        vault=vault,
    )
    return messages.convert(context.call(request), AwsIdentity)


def verified_keys(
    context: Context, key_id: str, secret: Secret, region: str = "", token: Secret | None = None
) -> AwsIdentity:
    """As `verified_item`, for keys that are in no item yet; with `token` they are temporary."""
    request = requests.VerifyKeys(
        account=context.account,
        may_ask=context.may_ask,
        environment=environment(context),
        key_id=key_id,
        secret=secret,
        token=token,
        region=region,
    )
    return messages.convert(context.call(request), AwsIdentity)


def check_before_removal(context: Context, reference: ItemReference, where: str) -> None:
    """Have AWS confirm an item's keys before their plaintext in `where` goes; say whose they are.

    Raises what `verified_item` raises, with a word that nothing was removed.
    """
    try:
        found = verified_item(context, reference.account, reference.item)
    except (ServiceRefusedError, ConfigurationError) as error:
        raise type(error)(
            f"{error.message}; nothing was removed from {where}",
            *error.hints,
            "to remove it without asking AWS: --no-verify",
        ) from None
    note(f"AWS knows the keys as {printable(found.arn, 200)}")
