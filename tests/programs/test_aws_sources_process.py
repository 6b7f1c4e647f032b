"""Profiles whose credential_process brings the keys, or something else; run by the real launcher's side."""

import json
import re
from pathlib import Path

import pytest

from tests.programs.user import Result, User

KEYS = {"Version": 1, "AccessKeyId": "AKIAPRINTED", "SecretAccessKey": "printed-EXAMPLE"}
TEMPORARY = {**KEYS, "SessionToken": "token-EXAMPLE", "Expiration": "2099-01-01T00:00:00Z"}
PROBE = """#!/bin/sh
echo "$AWS_ACCESS_KEY_ID $AWS_SESSION_TOKEN $AWS_CREDENTIAL_EXPIRATION"
"""


class Stage:
    """A user without any account; `aws` is a probe that prints what it would sign with."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.program("bin/aws", PROBE)
        user.path.insert(0, str(user.home / "bin"))

    def program(self, name: str, text: str) -> Path:
        path = self.user.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def process(self, script: str, line: str = "") -> None:
        """Profile p asks this script; `line` is its line in the file instead."""
        path = self.program("process", f"#!/bin/sh\necho run >> {self.user.home}/runs\n{script}\n")
        self.user.aws_files("", f"[profile p]\ncredential_process = {line or path}\n")

    def prints(self, document: object, more: str = "") -> None:
        self.process(f"{more}\ncat <<'.'\n{json.dumps(document)}\n.")

    @property
    def runs(self) -> int:
        path = self.user.home / "runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def run(self, count: int = 1, **more: object) -> Result:
        line = "keyturn plugin run -- aws --profile p s3 ls"
        return self.user.sh(" && ".join([line] * count), **more)


@pytest.fixture
def stage(user: User) -> Stage:
    return Stage(user)


def test_what_lasts_is_kept_and_runs_once(stage: Stage) -> None:
    stage.prints(TEMPORARY)
    done = stage.run(3).succeeds()
    assert set(done.output.splitlines()) == {"AKIAPRINTED token-EXAMPLE 2099-01-01T00:00:00Z"}
    assert stage.runs == 1
    assert not done.errors


def test_another_environment_is_asked_by_itself(stage: Stage) -> None:
    """What a program prints may go by any variable: nobody gets the keys of somebody else's environment."""
    stage.process(
        """printf '{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "x", "SessionToken": "x","""
        """ "Expiration": "2099-01-01T00:00:00Z"}' "AKIA$STAGE\""""
    )
    for name in ("ONE", "TWO", "ONE"):
        assert stage.run(variables={"STAGE": name}).succeeds().output.split()[0] == f"AKIA{name}"


def test_lasting_keys_and_arguments_without_a_shell(stage: Stage) -> None:
    path = stage.program(
        "my process",
        """#!/bin/sh
printf '{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "x"}' "$1"
""",
    )
    stage.user.aws_files("", f"[profile p]\ncredential_process = '{path}' 'AKIA$HOME;x'\n")
    assert stage.run().succeeds().output == "AKIA$HOME;x  \n"


def test_it_runs_as_the_command_would(stage: Stage) -> None:
    """In the caller's directory, with its variables and its stderr, and without its stdin."""
    stage.prints(KEYS, 'pwd > where; env > variables; cat > piped; echo "said aloud" >&2')
    done = stage.run(stdin="for the command", variables={"HTTPS_PROXY": "http://proxy.example:1"}).succeeds()
    assert done.errors == "said aloud\n"
    assert (stage.user.home / "where").read_text().strip() == str(stage.user.home)
    assert "HTTPS_PROXY=http://proxy.example:1" in (stage.user.home / "variables").read_text().splitlines()
    assert (stage.user.home / "piped").read_text() == ""


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("echo AKIAGARBAGE", "printed no JSON object"),
        ("exit 3", "ended with status 3"),
        ("head -c 200000 /dev/zero", "printed far more than keys"),
    ],
)
def test_what_comes_to_nothing(stage: Stage, script: str, line: str) -> None:
    stage.process(script)
    failed = stage.run()
    failed.fails(195, f"the credential_process of profile “p” {line}")
    assert "AKIAGARBAGE" not in failed.errors


def test_a_program_that_is_not_there(stage: Stage) -> None:
    stage.process("true", "/nowhere/at/all")
    stage.run().fails(198, "the credential_process of profile “p” cannot be run (status 127)")


@pytest.mark.parametrize("script", ["sleep 300", "trap '' TERM; sleep 300 & wait; wait"])
def test_what_hangs_is_ended_with_what_it_has_started(stage: Stage, script: str) -> None:
    stage.user.keyturn("settings", "set", "aws.process_seconds", "1").succeeds()
    stage.process(script)
    # To its end means that nobody holds its stderr any more.
    stage.run().fails(195, "the credential_process of profile “p” did not end in 1 s")


def test_a_prompt_without_a_terminal_is_a_failure_at_once(stage: Stage) -> None:
    stage.process("read answer < /dev/tty")
    failed = stage.run()
    assert (failed.status, failed.output) == (195, "")
    assert "keyturn: the credential_process of profile “p” ended with status" in failed.errors


def test_a_prompt_on_the_terminal_can_be_answered(stage: Stage) -> None:
    stage.prints(KEYS, 'printf "who are you? " > /dev/tty; read answer < /dev/tty; echo "$answer" > answer')
    terminal = stage.user.terminal(columns=140)
    terminal.type("keyturn plugin run -- aws --profile p s3 ls")
    terminal.answer("who are you? ", "ada")
    assert "AKIAPRINTED" in terminal.ready()
    assert (stage.user.home / "answer").read_text() == "ada\n"


CYCLES = {
    "through a wrapped command": "exec keyturn plugin run -- aws --profile p sts get-caller-identity",
    "through an export": "exec keyturn aws export --profile p --format json",
}


@pytest.mark.parametrize("name", CYCLES)
def test_a_process_that_asks_keyturn_for_the_same_profile(stage: Stage, name: str) -> None:
    """Story 79: it ends at once, with a line of the inner one's and one of the outer one's."""
    stage.process(CYCLES[name])
    failed = stage.run()
    assert failed.status == 195
    assert stage.runs == 1
    inner, outer = [line for line in failed.errors.splitlines() if line.startswith("keyturn: ")]
    assert "profile “p” asks Keyturn for what it should itself bring" in inner
    assert "profile “p” ended with status 198" in outer


def test_a_cycle_over_two_processes(stage: Stage) -> None:
    stage.process("exec keyturn aws credential-process --profile q")
    other = stage.program("other", "#!/bin/sh\nexec keyturn aws credential-process --profile p\n")
    config = (stage.user.home / ".aws/config").read_text()
    stage.user.aws_files("", f"{config}[profile q]\ncredential_process = {other}\n")
    failed = stage.run()
    assert failed.status == 195
    assert "profile “p” asks Keyturn for what it should itself bring" in failed.errors


def test_keyturn_for_itself_means_what_the_profile_meant(stage: Stage) -> None:
    path = stage.program("process", f"#!/bin/sh\necho '{json.dumps(KEYS)}'\n")
    stage.user.aws_files(
        "",
        "[profile p]\ncredential_process = keyturn aws credential-process --profile p\n"
        f"keyturn_credential_process = {path}\n",
    )
    assert stage.run().succeeds().output.startswith("AKIAPRINTED")
    printed = stage.user.sh("keyturn aws credential-process --profile p").succeeds()
    assert json.loads(printed.output) == KEYS


def test_explaining_runs_nothing(stage: Stage) -> None:
    stage.prints(KEYS)
    said = stage.user.sh("keyturn aws explain --profile p").succeeds()
    assert re.search(r"the keys that \S+/process prints \(credential_process of profile “p”\)", said.output)
    assert stage.runs == 0
