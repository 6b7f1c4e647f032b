"""`keyturn plaintext` as a program: scan, remove, restore, and all that must keep a file as it is."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground.errors import Status
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, new_field, new_item
from tests.parts import absent, needs
from tests.programs.user import User
from tests.vaults.templates import MOMENT

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
AWS = f"# mine\n[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\nregion = eu-west-1\n"
AWS_LEFT = "# mine\n[default]\nregion = eu-west-1\n"
TOKEN = "gho_0123456789abcdefEXAMPLE"
HOSTS = f"github.com:\n    oauth_token: {TOKEN}\n    user: ada\n"


def write(user: User, name: str, text: str, mode: int = 0o600) -> Path:
    path = user.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def scan(user: User, *words: str) -> Any:
    done = user.keyturn("plaintext", "scan", "--format", "json", *words).succeeds()
    content = json.loads(done.output)
    assert content["version"] == 1
    return content["plaintext"]


@pytest.fixture
def account(user: User) -> User:
    user.account()
    write(user, ".aws/credentials", AWS)
    return user


def remove(user: User, *words: str, **more: Any) -> Any:
    password = ("--password-file", user.password_file()) if "--dry-run" not in words else ()
    # These keys are nobody's; that AWS is asked is in test_plaintext_verified.
    return user.keyturn("plaintext", "remove", "--no-input", "--no-verify", *password, *words, **more)


def restore(user: User, *words: str) -> Any:
    return user.keyturn("plaintext", "restore", *words, "--password-file", user.password_file())


def items(user: User) -> list[str]:
    done = user.keyturn(
        "item", "list", "--format", "json", "--password-file", user.password_file()
    ).succeeds()
    return sorted(item["title"] for item in json.loads(done.output)["items"])


def test_scan_needs_no_account_and_no_agent(user: User) -> None:
    assert scan(user) == {"found": [], "unread": []}
    assert "no credentials in plaintext" in user.keyturn("plaintext", "scan").succeeds().errors
    assert "no credentials in plaintext" in remove(user, "--all", "--dry-run").succeeds().errors
    write(user, ".aws/credentials", AWS)
    write(user, ".bashrc", f"export GH_TOKEN={TOKEN}\n")
    os.mkfifo(user.home / ".netrc")
    found = scan(user)
    assert found["unread"] == [{"path": str(user.home / ".netrc"), "reason": "is not a regular file"}]
    assert [(each["tool"], each["plugin"], each["line"], each["removable"]) for each in found["found"]] == [
        ("aws", "aws", 4, True),
        ("github", "github", 1, True),
    ]
    assert found["found"][0]["fields"] == [
        {"label": "access key id", "secret": False, "masked": f"…{KEY[-4:]}"},
        {"label": "secret access key", "secret": True, "masked": f"…{SECRET[-4:]}"},
    ]
    assert [each["tool"] for each in scan(user, "git", "bashrc")["found"]] == ["github"]
    shown = user.keyturn("plaintext", "scan").succeeds()
    assert "~/.aws/credentials:4" in shown.output
    assert "could not look into ~/.netrc: is not a regular file" in shown.errors
    assert SECRET not in shown.output + shown.errors
    assert not (user.runtime / "keyturn").exists(), "no agent was started"


def test_all_of_it_goes_and_comes_back(account: User) -> None:
    hosts = write(account, ".config/gh/hosts.yml", HOSTS)
    path = account.home / ".aws/credentials"
    done = remove(account, "--all").succeeds()
    assert path.read_text() == AWS_LEFT
    assert hosts.read_text() == "github.com:\n    user: ada\n"
    assert items(account) == ["Amazon Web Services", "GitHub (ada)"]
    what = "access key id and secret access key of Amazon Web Services (default)"
    assert f"took {what} out of ~/.aws/credentials" in done.errors
    assert "  aws: set it up by keyturn plugin init aws" in done.errors
    assert SECRET not in done.errors + done.output
    password = account.password_file()
    got = account.keyturn(
        "item", "get", "Amazon Web Services", "--field", "secret access key", "--password-file", password
    )
    assert got.output == SECRET + "\n"
    listed = restore(account, "--list", "--format", "json").succeeds()
    assert {row["path"] for row in json.loads(listed.output)["copies"]} == {str(path), str(hosts)}
    restore(account, "~/.aws/credentials").succeeds()
    assert path.read_text() == AWS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = restore(account, "~/.aws/credentials").succeeds()
    assert "is as it was already" in again.errors


def test_an_item_that_has_it_is_used(user: User) -> None:
    fields = [
        new_field("Key ID", FieldType.TEXT, Secret(KEY)),
        new_field("The Secret", FieldType.CONCEALED, Secret(SECRET)),
    ]
    user.account(new_item("Mine", fields, MOMENT))
    path = write(user, ".aws/credentials", AWS)
    done = remove(user, str(path)).succeeds()
    assert "item “Mine” in vault “Private” has it already" in done.errors
    assert items(user) == ["Mine"]
    assert path.read_text() == AWS_LEFT


def test_one_of_two_places_in_a_file(account: User) -> None:
    text = f"export GH_TOKEN={TOKEN}\nexport HCLOUD_TOKEN=abcEXAMPLE\n"
    path = write(account, ".bashrc", text)
    remove(account, "~/.bashrc:2", variables={"HCLOUD_TOKEN": "abcEXAMPLE"}).succeeds()
    assert path.read_text() == f"export GH_TOKEN={TOKEN}\n"
    done = remove(account, ".bashrc", variables={"GH_TOKEN": "x"}).succeeds()
    assert path.read_text() == ""
    assert "this shell still has it; there: unset GH_TOKEN" in done.errors
    # Step by step, the last one first.
    restore(account, ".bashrc").succeeds()
    assert path.read_text() == f"export GH_TOKEN={TOKEN}\n"
    restore(account, ".bashrc").succeeds()
    assert path.read_text() == text


def test_a_link_stays_a_link(account: User) -> None:
    real = write(account, "dotfiles/credentials", AWS)
    link = account.home / ".aws/credentials"
    link.unlink()
    link.symlink_to("../dotfiles/credentials")
    remove(account, str(real)).succeeds()
    assert (os.readlink(link), real.read_text()) == ("../dotfiles/credentials", AWS_LEFT)
    restore(account, "~/.aws/credentials").succeeds()
    assert (os.readlink(link), real.read_text()) == ("../dotfiles/credentials", AWS)


def test_said_and_not_done(account: User) -> None:
    account.keyturn("agent", "stop")
    done = remove(account, "--all", "--dry-run").succeeds()
    assert "would take access key id and secret access key of Amazon Web Services (default)" in done.errors
    assert (account.home / ".aws/credentials").read_text() == AWS
    assert not list(account.runtime.rglob("*.sock")), "no agent was needed"


WRONG = [
    ((), Status.USAGE, "what to take out is missing"),
    (("--all", "x"), Status.USAGE, "either places or --all"),
    (("~/.netrc",), Status.MISSING, "no credential was found at ~/.netrc"),
    (("~/.aws/credentials:1",), Status.MISSING, "no credential was found"),
    (("--all", "--vault", "Nowhere"), Status.MISSING, "there is no vault “Nowhere”"),
]


def test_what_is_asked_for_wrongly(account: User) -> None:
    wrong = ("--password-file", account.password_file("wrong EXAMPLE"))
    command = ("plaintext", "remove", "--all", "--no-input")
    assert account.keyturn(*command, *wrong).status == Status.DENIED
    assert account.keyturn(*command).status == Status.LOCKED, "nobody is there to ask"
    for words, status, line in WRONG:
        remove(account, *words).fails(status, line)
    assert (account.home / ".aws/credentials").read_text() == AWS
    assert items(account) == []


def test_no_account(user: User) -> None:
    write(user, ".aws/credentials", AWS)
    done = user.keyturn("plaintext", "remove", "--all", "--no-input")
    done.fails(Status.MISSING, "there is no account yet")
    assert (user.home / ".aws/credentials").read_text() == AWS


TWICE = AWS + f"aws_secret_access_key = other{SECRET}\n"


def test_what_stays_and_why(account: User) -> None:
    """Each time: the file as it was, one line with the reason, and no item."""
    path = account.home / ".aws/credentials"

    def stays(why: str, text: str = AWS) -> None:
        remove(account, "~/.aws/credentials").fails(Status.CONFIGURATION, why)
        assert path.read_text() == text
        path.chmod(0o600)

    path.chmod(0o400)
    stays("it is read-only")
    os.link(path, account.home / "other")
    stays("it has another hard link")
    (account.home / "other").unlink()
    path.write_text(TWICE)
    stays("it stands there twice, with different values", TWICE)
    path.write_text(AWS.replace("AKIA", "ASIA"))
    stays("they are temporary keys", AWS.replace("AKIA", "ASIA"))
    path.write_text(AWS)
    if os.geteuid() == 0:
        os.chown(path, 1234, 1234)
        stays("it is not your file")
    assert items(account) == []


def test_one_that_is_stuck_keeps_no_other(account: User) -> None:
    rc = write(account, ".bashrc", f"true; export GH_TOKEN={TOKEN}\n")
    done = remove(account, "--all")
    done_first, *_ = [line for line in done.errors.splitlines() if line.startswith("keyturn: ")]
    assert done.status == Status.CONFIGURATION
    assert "token of GitHub was left in ~/.bashrc:1: other commands stand in its line" in done_first
    assert rc.read_text() == f"true; export GH_TOKEN={TOKEN}\n"
    assert (account.home / ".aws/credentials").read_text() == AWS_LEFT


def test_changed_since_it_is_not_put_back(account: User) -> None:
    path = account.home / ".aws/credentials"
    remove(account, "--all").succeeds()
    path.write_text("# new\n")
    done = restore(account, str(path))
    done.fails(Status.CONFIGURATION, "was changed since credentials were taken out of it")
    assert path.read_text() == "# new\n"
    [hint] = [line for line in done.errors.splitlines() if "--copy" in line]
    restore(account, str(path), "--copy", hint.split()[-1]).succeeds()
    assert path.read_text() == AWS
    # One that is gone is made anew.
    path.unlink()
    restore(account, str(path)).succeeds()
    assert path.read_text() == AWS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    restore(account).fails(Status.USAGE, "which file?")
    restore(account, "x", "--list").fails(Status.USAGE, "which file?")
    restore(account, "~/.netrc").fails(Status.MISSING, "no copy of ~/.netrc is kept")


def test_a_full_disk_under_the_vault(user: User) -> None:
    """Whatever it is that does not fit, item or copy, the file stays, and nothing is lost."""
    needs("root")
    disk = user.home / "accounts"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "keyturn-test", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        absent("the right to mount a tmpfs")
    try:
        user.account()
        path = write(user, ".aws/credentials", AWS + "#" * 20_000 + "\n")
        before = path.read_text()
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as stream:
            try:
                while stream.write(bytes(4096)):
                    pass
            except OSError:
                pass
        for pages in range(0, 12, 2):
            os.truncate(filler, filler.stat().st_size - 2 * 4096 if pages else filler.stat().st_size)
            done = remove(user, str(path))
            if done.status == 0:
                break
            assert "disk is full" in done.errors, done.errors
            assert path.read_text() == before
        else:
            raise AssertionError("it never had room")
        assert pages, "it was full at first"
        restore(user, str(path)).succeeds()
        assert path.read_text() == before
    finally:
        user.keyturn("agent", "stop")
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        shutil.rmtree(disk, ignore_errors=True)
