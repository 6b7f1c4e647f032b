"""The local AWS has to say no: every test that trusts its yes rests on that."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.aws_server.client import AWS, LocalAws


def run_aws(
    server: LocalAws, arguments: list[str], keys: tuple[str, str]
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_MAX_ATTEMPTS": "1",
        **server.environment(),
        "AWS_ACCESS_KEY_ID": keys[0],
        "AWS_SECRET_ACCESS_KEY": keys[1],
    }
    return subprocess.run([AWS, *arguments], env=environment, capture_output=True, text=True, timeout=60)


def who(server: LocalAws, access_key_id: str, secret: str) -> subprocess.CompletedProcess[str]:
    return run_aws(server, ["sts", "get-caller-identity"], (access_key_id, secret))


@pytest.mark.parametrize("name", ["ada", "grace"])
def test_each_user_is_told_apart(local_aws: LocalAws, name: str) -> None:
    user = local_aws.users[name]
    done = who(local_aws, user.access_key_id, user.secret_access_key)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"] == user.arn
    assert user.arn.endswith(f":user/{name}")


def test_a_wrong_secret_is_refused(local_aws: LocalAws) -> None:
    ada, grace = local_aws.users["ada"], local_aws.users["grace"]
    done = who(local_aws, ada.access_key_id, grace.secret_access_key)
    assert done.returncode != 0
    assert "SignatureDoesNotMatch" in done.stderr


def test_an_unknown_key_id_is_refused(local_aws: LocalAws) -> None:
    done = who(local_aws, "AKIAIOSFODNN7EXAMPLE", local_aws.users["ada"].secret_access_key)
    assert done.returncode != 0
    assert "InvalidClientTokenId" in done.stderr


def test_a_deleted_key_is_refused() -> None:
    with LocalAws("ada") as server:
        ada = server.users["ada"]
        keys = (ada.access_key_id, ada.secret_access_key)
        assert who(server, *keys).returncode == 0
        deletion = ["iam", "delete-access-key", "--user-name", "ada", "--access-key-id", ada.access_key_id]
        done = run_aws(server, deletion, keys)
        assert done.returncode == 0, done.stderr
        done = who(server, *keys)
        assert done.returncode != 0
        assert "InvalidClientTokenId" in done.stderr


def test_s3_works_and_is_refused_with_a_wrong_secret(local_aws: LocalAws) -> None:
    ada = local_aws.users["ada"]
    made = run_aws(local_aws, ["s3", "mb", "s3://atlas"], (ada.access_key_id, ada.secret_access_key))
    assert made.returncode == 0, made.stderr
    listed = run_aws(local_aws, ["s3", "ls"], (ada.access_key_id, ada.secret_access_key))
    assert "atlas" in listed.stdout, listed.stderr
    refused = run_aws(local_aws, ["s3", "ls"], (ada.access_key_id, "wrong"))
    assert refused.returncode != 0
    assert "SignatureDoesNotMatch" in refused.stderr


def test_the_server_ends_with_its_starter() -> None:
    with LocalAws("ada") as server:
        process = server.process
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(RuntimeError, match="no such module"), LocalAws("ada", python=broken):
        pass
