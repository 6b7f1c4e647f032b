"""AWS's API as the tests of the local AWS call it: botocore, with no configuration of its own."""

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws_server.client import AwsUser, LocalAws

REGION = "eu-central-1"
# One for all: it keeps the models of the services, and no keys.
SESSION = botocore.session.Session()


def client(
    aws: LocalAws, keys: AwsUser | dict[str, Any], service: str = "sts", region: str = REGION, **more: Any
) -> Any:
    """A client of one service, with a user's keys or what a call issued; it retries nothing."""
    if isinstance(keys, AwsUser):
        three = [keys.access_key_id, keys.secret_access_key, None]
    else:
        three = [keys["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    # The server is to refuse what is out of bounds, not botocore.
    config = Config(
        retries={"max_attempts": 0}, connect_timeout=5, read_timeout=20, parameter_validation=False
    )
    more.setdefault("endpoint_url", aws.endpoint)
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    given = {**dict(zip(names, three, strict=True)), **more}
    return SESSION.create_client(service, region_name=region, config=config, **given)


def who(aws: LocalAws, keys: AwsUser | dict[str, Any], **more: Any) -> str:
    """The ARN of whoever these keys are."""
    return str(client(aws, keys, **more).get_caller_identity()["Arn"])


def refusal(call: Any, **arguments: Any) -> tuple[int, str, str]:
    """Status, code and text of a call that has to be refused."""
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response
        status = found["ResponseMetadata"]["HTTPStatusCode"]
        return int(status), str(found["Error"]["Code"]), str(found["Error"]["Message"])
    raise AssertionError("it was not refused")
