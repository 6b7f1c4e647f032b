"""What goes wrong with a secret at hand shows none (SECURITY 4, 5): errors of every kind and log level."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import absent
from tests.programs.planted import Planted
from tests.programs.user import User

pytestmark = pytest.mark.needs("strace")

PASSWORD = ("--password-file", "password")
WRONG = ("--password-file", "wrong")


@pytest.fixture
def planted() -> Iterator[Planted]:
    with Planted() as found:
        found.observe()
        yield found


def fails(planted: Planted, *words: str | bytes, stdin: str = "") -> None:
    assert planted.run(*words, stdin=stdin, status=None).status != 0, words


def test_wrong_answers_and_arguments(planted: Planted) -> None:
    secret = planted.secrets["value"]
    planted.run("item", "create", "--title", "t", "key=@value", *PASSWORD)
    for words in (
        ("signin", *WRONG),
        ("item", "get", "t", *WRONG),
        ("account", "password", "change", *WRONG, "--new-password-file", "new"),
        ("signin", "--password-file", "none"),
        ("signin", "--password-file", "."),
        ("signin", "--password-fd", "99"),
        ("signin", *PASSWORD, "--password-fd", "0"),
        ("account", "create", "Test", *PASSWORD),
        (
            "account",
            "slot",
            "add",
            "password",
            "--title",
            "password",
            "--new-password-file",
            "second",
            *PASSWORD,
        ),
        ("account", "slot", "remove", "none", *PASSWORD),
        ("account", "trust", *WRONG),
        ("item", "get", "t", "--field", "none", *PASSWORD),
        ("item", "get", "none", "--reveal", *PASSWORD),
        ("item", "create", "--title", "x", "a=@value", "a=@second", *PASSWORD),
        ("item", "create", "--title", "x", "a=@bin", *PASSWORD),
        ("item", "create", "--title", "x", "a[nonsense]=@value", *PASSWORD),
        ("item", "create", "--title", b"\xff", "a=@value", *PASSWORD),
        ("item", "edit", "t", "key=@none", *PASSWORD),
        ("item", "edit", "t", b"\xfe=-", *PASSWORD),
        ("item", "edit", "t", "key[otp]", *PASSWORD),
        ("item", "edit", "t", "seed[otp]=@value", *PASSWORD),
        ("item", "edit", "t", "--otp-qr", "value", *PASSWORD),
        ("item", "edit", "t", "--otp-qr", "screen", *PASSWORD),
        ("item", "edit", "none", "key=-", *PASSWORD),
        ("item", "edit", "t", "--rename", "key=", *PASSWORD),
        ("item", "get", "t", "--otp", *PASSWORD),
        ("item", "get", "t", "--otp", "--field", "key", *PASSWORD),
        ("item", "get", "t", "--version", "9", *PASSWORD),
        ("item", "create", "--from", "-", *PASSWORD),
        ("item", "create", "--from", "-", "--title", "x", "key=@value", *PASSWORD),
        ("item", "create", "--type", "aws", "--title", "x", "secret access key=@value", *PASSWORD),
        ("item", "delete", "t", "--permanently", *PASSWORD),
        ("item", "delete", "none", *PASSWORD),
        ("item", "restore", "t", *PASSWORD),
        ("item", "restore", "t", "--version", "9", *PASSWORD),
        ("item", "history", "none", *PASSWORD),
        ("item", "move", "t", "--to", "none", *PASSWORD),
        ("plugin", "init", "aws", "--import-profile", "none", "--no-input", *PASSWORD),
        ("plugin", "init", "aws", "--import-env", "--no-input", *PASSWORD),
        ("nonsense",),
    ):
        fails(planted, *words, stdin=secret)
    editor = planted.user.home / "editor"
    for script in (
        f"echo '= {secret}'",
        f"printf '[[field]]\\n{secret} = 1'",
        f"echo '{secret} = 1'",
        "exit 1",
    ):
        editor.write_text(f'#!/bin/sh\n{script} >> "$1"\n')
        editor.chmod(0o755)
        planted.files.add(editor)
        edit = ("item", "edit", "t", "--editor", "--reveal", *PASSWORD)
        done = planted.run(*edit, status=None, variables={"EDITOR": str(editor)})
        assert done.status != 0, script
    printed = (
        '{"AccessKey": {"AccessKeyId": "x", "SecretAccessKey": ["%s"]}}',
        "{%s",
        "AKIAIOSFODNN7EXAMPLE AKIAIOSFODNN8EXAMPLE %s",
    )
    for text in printed:
        fails(
            planted,
            "item",
            "create",
            "--from",
            "-",
            "--title",
            "x",
            *PASSWORD,
            stdin=text.replace("%s", secret),
        )
    (planted.user.home / "bytes").write_bytes(b"\xff\xfe" + secret.encode())
    planted.files.add(planted.user.home / "bytes")
    fails(planted, "signin", "--password-file", "bytes")
    fails(planted, "item", "create", "--title", "x", "a=@bytes", *PASSWORD)
    planted.assert_unseen()


def damage(path: Path, secret: str) -> None:
    """Nonsense with a secret in it, as a crash or an editor could leave it."""
    path.write_bytes(b"\x00\xff[" + secret.encode() + b"\n= " + secret.encode())


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_damaged_files(planted: Planted, every: int) -> None:
    """Each file in turn is nonsense with a secret in it; what is said of it does not repeat it."""
    user, secret = planted.user, planted.secrets["value"]
    planted.run("plugin", "init", "aws", "--import-profile", "default", "--no-input", *PASSWORD)
    planted.run("settings", "set", "lock.idle_hours", "2")
    account = user.home / "accounts/Test"
    files = [
        user.home / ".aws/credentials",
        *(user.config / name for name in ("accounts.json", "defaults.json", "settings.toml", "plugins.sh")),
        *account.rglob("*.age"),
        *(path for path in (account / "slots").iterdir() if path.is_file()),
        *(path for path in (user.state / "pins").rglob("*") if path.is_file()),
    ]
    assert len(files) >= 8
    for path in files[::every]:
        before = path.read_bytes()
        damage(path, secret)
        planted.files.add(path)
        planted.user.keyturn("lock")
        failed = [
            planted.run(*words, status=None).status
            for words in (
                ("signin", *PASSWORD),
                ("item", "list", *PASSWORD),
                ("settings",),
                ("plugin", "run", "--", "aws", "s3", "ls"),
                ("plugin", "init", "aws", "--import-profile", "default", "--no-input", *PASSWORD),
            )
        ]
        assert any(failed), path
        path.write_bytes(before)
    planted.assert_unseen()


def test_the_agent_is_killed(planted: Planted) -> None:
    """Under a command that waits for its input, with the password and a value in its hands."""
    user = planted.user
    for which in (-1, 0):
        process = subprocess.Popen(
            [*planted.tracing, "keyturn", "item", "create", "--title", "t", "key=@value", "b=-", *PASSWORD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=user.environment,
            cwd=user.home,
            start_new_session=True,
        )
        os.kill(planted.agents()[which], signal.SIGKILL)
        said, _ = process.communicate(planted.secrets["seed"].encode(), 60)
        for name, secret in planted.secrets.items():
            assert secret.encode() not in said, name
    planted.assert_unseen()


@pytest.mark.needs("root")
def test_a_full_disk() -> None:
    """Account, state and configuration on a disk that fills up: nothing is left behind in the clear."""
    user = User()
    disk = user.home / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "keyturn-test", str(disk)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode != 0:
        user.__exit__(None, None, None)
        absent("the right to mount a tmpfs")
    try:
        for name, link in (("local", ".local"), ("config", ".config"), ("accounts", "accounts")):
            (disk / name).mkdir()
            (user.home / link).symlink_to(disk / name)
        with Planted(user) as planted:
            planted.run("item", "create", "--title", "t", "user[text]=ada", *PASSWORD)
            for room in (0, 4096, 8192):
                fill(disk / "filler", room)
                planted.run("item", "edit", "t", "key=@value", *PASSWORD, status=None)
                planted.run(
                    "account", "password", "change", *PASSWORD, "--new-password-file", "password", status=None
                )
                init = ("plugin", "init", "aws", "--import-profile", "default", "--no-input", *PASSWORD)
                planted.run(*init, status=None)
                (disk / "filler").unlink()
            assert any("no space left" in done.errors for _, done in planted.said)
            planted.assert_unseen()
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
            planted.user.keyturn("agent", "stop")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False, capture_output=True)


def fill(path: Path, room: int) -> None:
    with path.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass
        except OSError:
            stream.truncate(max(0, path.stat().st_size - room))
