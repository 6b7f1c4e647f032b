"""A local AWS: moto's server with IAM authentication enforced, on a free port of the loopback.

    .tools/moto/bin/python tests/aws_server/serve.py --user NAME [--user NAME]…

When it is ready it prints one line of JSON: the port and, for each user, the access key and the ARN. It ends
when its standard input closes, so that it never outlives whoever started it, however that one dies.

The users are made in the process itself, before the port is open: no request is ever served unsigned.
"""

import argparse
import json
import logging
import sys

from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.server import ThreadedMotoServer

PARTITION = "aws"
REGION = "us-east-1"
ALLOW_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def create_user(name: str) -> dict[str, str]:
    iam = iam_backends[DEFAULT_ACCOUNT_ID][PARTITION]
    user = iam.create_user(region_name=REGION, user_name=name)
    iam.put_user_policy(name, "allow-all", ALLOW_ALL)
    key = iam.create_access_key(name)
    return {
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
        "arn": user.arn,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", action="append", default=[], metavar="NAME")
    names: list[str] = parser.parse_args().user

    users = {name: create_user(name) for name in names}
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    sys.stdout.write(json.dumps({"port": port, "users": users}) + "\n")
    sys.stdout.flush()

    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
