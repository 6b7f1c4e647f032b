"""SDKs that ask Keyturn by `credential_process`, as `keyturn aws configure` sets it up."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.ground.paths import resolve
from tests.aws_server.client import ROOT, LocalAws
from tests.aws_tools import tools
from tests.programs.aws_items import item, set_up
from tests.programs.user import BIN, User

HOUR = 3600
# A job that runs for hours. Its own clock is the machine's, moved as the agent's is. After each call it says
# how often it has run Keyturn so far.
JOB = """
import sys, datetime, botocore.credentials, botocore.session
place = sys.argv[1]
def now():
    moved = float(open(place).read().split()[0])
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=moved)
botocore.credentials._local_now = now
runs, run = [], botocore.credentials.ProcessProvider._retrieve_credentials_using
def counted(*given):
    runs.append(given)
    return run(*given)
botocore.credentials.ProcessProvider._retrieve_credentials_using = counted
session = botocore.session.Session(profile="dev")
session.get_credentials()._time_fetcher = now
sts = session.create_client("sts", region_name="eu-central-1")
print("ready", flush=True)
for _ in sys.stdin:
    arn = sts.get_caller_identity()["Arn"]
    print(arn, session.get_credentials().access_key, len(runs), flush=True)
"""


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


@pytest.fixture
def dev(user: User, aws: LocalAws) -> User:
    """A user whose profile `dev` is a role, and every SDK is pointed at Keyturn for it."""
    user.variables.update(aws.environment())
    role = aws.add_role("dev", ["ada"])
    config = (
        "[default]\nregion = eu-central-1\n"
        f"[profile dev]\nrole_arn = {role}\nsource_profile = default\nregion = eu-central-1\n"
    )
    set_up(user, config, item(aws.users["ada"]))
    user.keyturn("aws", "configure", "dev").succeeds()
    return user


class Job:
    """The program, without a terminal; time is moved for it, for the agent and for AWS alike."""

    def __init__(self, user: User, aws: LocalAws) -> None:
        self.user, self.aws, self.moved = user, aws, 0.0
        self.runs = 0
        self.place = user.home / "moved"
        self.later(0)
        user.keyturn("agent", "stop").succeeds()
        places = resolve(user.environment, os.getuid())
        directories = (places.config, places.data, places.state, places.runtime)
        subprocess.run(
            [sys.executable, "-m", "tests.programs.moved_agent", *map(str, (user.home, *directories))],
            env={**user.environment, "PYTHONPATH": str(ROOT)},
            check=True,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        script = user.home / "job.py"
        script.write_text(JOB)
        # It gets a grant, as a job has; nobody is at a terminal.
        terminal = user.terminal(columns=140)
        password = f"--password-file {user.password_file()}"
        assert terminal.run(f"keyturn grant --for 12h --plugin aws {password}")[1] == 0
        self.process = subprocess.Popen(
            [BIN / "python", script, self.place],
            env=user.environment,
            cwd=user.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert self.line() == "ready"

    def later(self, seconds: float) -> None:
        self.moved += seconds
        self.place.write_text(f"{self.moved} 0")
        if seconds:
            self.aws.advance(seconds)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def call(self) -> str:
        """The key that a call was made with, which AWS took."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        arn, key_id, runs = self.line().split(" ")
        assert arn.endswith(":assumed-role/dev/keyturn")
        self.runs = int(runs)
        return key_id

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def test_a_job_goes_on_across_two_expiries(dev: User, aws: LocalAws) -> None:
    """Stories 77 and 78: hours, on keys of one hour, with nobody at a terminal."""
    job = Job(dev, aws)
    try:
        first = job.call()
        assert job.call() == first
        # From 15 minutes before the end on botocore asks, and on each call, until it gets others.
        job.later(HOUR - 14 * 60)
        early = job.call()
        assert (early != first, job.runs) == (True, 2)
        assert ({job.call(), job.call(), job.call()}, job.runs) == ({early}, 2), "it asked once"
        job.later(HOUR - 120)
        second = job.call()
        assert second != early, "two minutes left are too few"
        job.later(HOUR)
        third = job.call()
        assert third not in (first, early, second)
        assert (job.call(), job.runs) == (third, 4)
    finally:
        job.end()
    assert len(aws.calls("AssumeRole")) == 4
    assert not [call for call in aws.calls() if call.status != 200]


@pytest.mark.soak
@pytest.mark.parametrize("name", ["aws-1", "cdk", "eksctl"])
def test_each_sdk_asks_keyturn(dev: User, aws: LocalAws, tmp_path: Path, name: str) -> None:
    """botocore, the SDK for JavaScript and the one for Go, each in the tool that uses it, not wrapped."""
    tool = tools.find(name)
    programs = tools.link(tool, tmp_path / "bin")
    tools.prepare(tool, dev.home)
    aws.forget_calls()
    found = {**tools.variables(tool, aws, dev.home), "AWS_PROFILE": "dev", "AWS_REGION": "eu-central-1"}
    found["PATH"] = f"{programs}:{':'.join(dev.path)}"
    words = shlex.join([tool.command, *tool.words])
    signin = f"keyturn signin --password-file {dev.password_file()} 2>/dev/null"
    dev.sh(f"{signin} && {words}", variables=found, seconds=120).succeeds()
    assert {call.caller.rpartition(":")[2] for call in tools.calls(tool, aws)} == {"assumed-role/dev/keyturn"}
    assert len(aws.calls("AssumeRole")) == 1, "by Keyturn, and no SDK by itself"
