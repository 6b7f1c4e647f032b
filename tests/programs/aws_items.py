"""Items and AWS files for the whole-program tests of roles and MFA."""

from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from tests.aws_server.client import AwsUser, Device
from tests.programs.user import User

IDENTITY = "aws sts get-caller-identity --query Arn --output text"
KINDS = {"secret access key": FieldType.CONCEALED, "one-time password": FieldType.OTP}


def item(owner: AwsUser, title: str = "AWS", **more: str) -> Item:
    """An item with the user's keys; `more` are fields by their labels, `_` for a space."""
    values = {"access key id": owner.access_key_id, "secret access key": owner.secret_access_key}
    values |= {label.replace("_", " ").replace("one time", "one-time"): text for label, text in more.items()}
    fields = [
        new_field(label, KINDS.get(label, FieldType.TEXT), Secret(text)) for label, text in values.items()
    ]
    return new_item(title, fields, "2026-01-01T00:00:00Z", ["keyturn/aws/access-key"])


def item_with_codes(owner: AwsUser, device: Device, title: str = "AWS") -> Item:
    """As `item`, with the device's secret and serial."""
    return item(owner, title, one_time_password=device.secret, mfa_serial=device.serial)


def set_up(user: User, config: str, *items: Item) -> None:
    """An account with the items, the first one the global default of aws; locked."""
    user.account(*items)
    user.aws_files("", config)
    init = ("plugin", "init", "aws", "--item", items[0].id, "--no-input", "--no-shell-rc", "--also", "")
    user.keyturn(*init, "--password-file", user.password_file()).succeeds()
    user.keyturn("lock").succeeds()


def signed_in(user: User, command: str) -> str:
    """A script that signs in and runs a command through Keyturn."""
    signin = f"keyturn signin --password-file {user.password_file()} 2>/dev/null"
    return f"{signin} && keyturn plugin run -- {command}"
