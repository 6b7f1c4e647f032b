"""Reading the login keyring in a process of its own, for what decrypts it is not all ours.

    python -I -m keyturn.cli.keyring_reading

A task comes by stdin, and its result goes to stdout.
"""

from __future__ import annotations

import subprocess
import sys

from keyturn.catalogue import keyring
from keyturn.catalogue.keyring import LARGEST, Opened, ReadKeyring
from keyturn.ground.wire import WireError
from keyturn.ground.world import World
from keyturn.processes import private
from keyturn.sdk.importers import Findings
from keyturn.sdk.schema import Plugin

BUS = "DBUS_SESSION_BUS_ADDRESS"
# A keyring that does not answer is not waited for: a first call on a machine without one may take minutes.
SECONDS = 5


def find(plugin: Plugin, world: World) -> Findings:
    """What the plugin's tools keep in the login keyring; nothing where there is none."""
    services, bus = keyring.services(plugin), world.environment.get(BUS)
    return (
        keyring.find(plugin, _opened(ReadKeyring(services), bus, world)) if services and bus else Findings()
    )


def _opened(task: ReadKeyring, bus: str, world: World) -> Opened:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "keyturn.cli.keyring_reading"],
            input=keyring.tasks.encode(task),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**world.agent_environment, BUS: bus},
            cwd="/",
            timeout=SECONDS,
            check=False,
        )
        return keyring.results.decode(done.stdout)
    except subprocess.TimeoutExpired:
        return Opened(problem="it did not answer in time")
    except WireError:
        return Opened(problem="it could not be read")


def work() -> int:
    task = keyring.tasks.decode(sys.stdin.buffer.read(LARGEST + 1))
    sys.stdout.buffer.write(keyring.results.encode(keyring.perform(task)))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(private.run_privately(work))
