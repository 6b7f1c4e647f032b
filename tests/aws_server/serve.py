"""A local AWS: moto's server with IAM authentication enforced and a strict STS, on the loopback.

    .tools/moto/bin/python -m tests.aws_server.serve --user NAME [--user NAME]…

When it is ready it prints one line of JSON: the port and, for each user, the access key and the ARN. It ends
when its standard input closes, so that it never outlives whoever started it, however that one dies.

The users are made in the process itself, before the port is open: no request is ever served unsigned.
"""

import argparse
import json
import logging
import sys
from email.utils import formatdate
from threading import Thread

from moto import settings
from moto.moto_server.threaded_moto_server import make_server
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

from tests.aws_server.account import World
from tests.aws_server.commands import Commands
from tests.aws_server.front import Front
from tests.aws_server.strict_iam import install as install_iam
from tests.aws_server.strict_sts import install
from tests.aws_server.web_identity import WebIdentities


def handler(world: World) -> type:
    """The handler of requests, whose Date header is the server's own time."""

    class Handler(MotoRequestHandler):  # type: ignore[misc]
        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(world.clock.now() if timestamp is None else timestamp, usegmt=True)

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", action="append", default=[], metavar="NAME")
    names: list[str] = parser.parse_args().user

    world = World()
    install(world)
    install_iam(world)
    identities = WebIdentities(world)
    commands = Commands(world, identities)
    users = {name: commands.add_user(name) for name in names}
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    front = Front(world, DomainDispatcherApplication(create_backend_app), commands.by_name(), identities)
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=handler(world))
    commands.port = server.server_port
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_port, "users": users}) + "\n")
    sys.stdout.flush()

    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
