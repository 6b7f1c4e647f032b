"""Where temporary credentials, one-time codes and their secret are, and where they are not."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws_server.client import LocalAws
from tests.programs import memory
from tests.programs.aws_items import item_with_codes, set_up
from tests.programs.user import User

pytestmark = [pytest.mark.needs("root")]

# What the command found is written where a test reads it, and nowhere else.
PROBE = """#!/bin/sh
env | grep ^AWS_ >"$HOME/found"
exec sleep 60
"""


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


def keepers(user: User) -> list[int]:
    """The agent's two processes."""
    return [
        pid
        for pid in memory.pids_of(user.home)
        if b"keyturn.agent.supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_temporary_credentials_are_in_the_keeper_and_in_the_command_alone(user: User, aws: LocalAws) -> None:
    device = aws.add_device("ada")
    role = aws.add_role("deploy", ["ada"], needs_mfa=True)
    config = (
        f"[default]\nregion = eu-central-1\n[profile deploy]\nrole_arn = {role}\nsource_profile = default\n"
    )
    user.variables.update(aws.environment())
    set_up(user, config, item_with_codes(aws.users["ada"], device))
    probe = user.home / "bin/aws"
    probe.parent.mkdir()
    probe.write_text(PROBE)
    probe.chmod(0o755)
    user.path.insert(0, str(probe.parent))
    init = ("plugin", "init", "aws", "--item", "AWS", "--no-input", "--no-shell-rc", "--also", "")
    user.keyturn(*init, "--password-file", user.password_file()).succeeds()
    terminal = user.terminal()
    terminal.run(f"keyturn signin --password-file {user.password_file()}")
    terminal.type("keyturn plugin run -- aws --profile deploy s3 ls &")
    deadline = time.monotonic() + 40
    while not (user.home / "found").exists() or b"TOKEN" not in (user.home / "found").read_bytes():
        assert time.monotonic() < deadline, terminal.screen()
        time.sleep(0.1)
    found = dict(re.findall(r"^(AWS_\w+)=(.*)$", (user.home / "found").read_text(), re.MULTILINE))
    (user.home / "found").unlink()
    secrets = {
        "the token": found["AWS_SESSION_TOKEN"],
        "the role's secret": found["AWS_SECRET_ACCESS_KEY"],
        "the user's secret": aws.users["ada"].secret_access_key,
        "the device's secret": device.secret,
    }
    assert found["AWS_SECRET_ACCESS_KEY"] != aws.users["ada"].secret_access_key
    step = aws.calls("GetSessionToken")[0].step
    assert step is not None
    code = device.code(step * 30)
    # In no file: vault, ledger of codes, audit log, agent's log.
    for path in user.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            seen = [name for name, text in secrets.items() if text.encode() in content]
            assert not seen, f"{seen} in {path}"
            if path.is_relative_to(user.state):
                assert code.encode() not in content, f"the code in {path}"
    # In nobody's words.
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            assert not [name for name, text in secrets.items() if text.encode() in words]
    # In the keeper while it is unlocked, and nowhere but in the command once it is locked.
    texts = list(secrets.values())
    before = set().union(*(memory.held(pid, texts) for pid in keepers(user)))
    assert before == set(texts), "they can be found while it is unlocked"
    terminal.run("keyturn lock")
    command = set(memory.pids_with("sleep\x0060"))
    for pid in set(memory.pids_of(user.home)) - command - {terminal.child.pid}:
        assert not memory.held(pid, texts), Path(f"/proc/{pid}/cmdline").read_bytes()
    assert len(keepers(user)) == 2
