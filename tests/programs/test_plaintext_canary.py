"""What goes wrong in `keyturn plaintext` shows no secret: broken files, refusals, damaged copies."""

import os
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.programs.planted import Planted

pytestmark = pytest.mark.needs("strace")

PASSWORD = ("--password-file", "password")
REMOVE = ("plaintext", "remove", "--no-verify", "--no-input")


@pytest.fixture
def planted() -> Iterator[Planted]:
    with Planted() as found:
        found.observe()
        yield found


def test_broken_files_and_refusals(planted: Planted) -> None:
    run, home, secret = planted.run, planted.user.home, planted.secrets["value"]
    broken = {
        ".config/gh/hosts.yml": f"github.com:\n  oauth_token: [{secret}\n",
        ".civo.json": f'{{"apikeys": {{"a": "{secret}"',
        ".cargo/credentials.toml": f"[registry]\ntoken = {secret}\n",
        ".netrc": f"machine x {secret} password {secret}\n",
        ".twilio-cli/config.json": f'{{"profiles": {{"apiKey": 1, "apiSecret": "{secret}", }}}}',
        ".bashrc": f"true; export GH_TOKEN={secret}\n",
        ".npmrc": f"//r/:_authToken={secret}\n//r/:_authToken={secret}x\n",
    }
    for name, content in broken.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        planted.files.add(path)
    for form in ("table", "json"):
        done = run("plaintext", "scan", "--format", form)
        assert "it is not YAML" in done.output + done.errors
    run(*REMOVE, "--all", "--dry-run", status=Status.CONFIGURATION)
    for name in (".config/gh/hosts.yml", ".bashrc", ".npmrc"):
        run(*REMOVE, f"~/{name}", *PASSWORD, status=Status.CONFIGURATION)
        assert (home / name).read_text() == broken[name]
    path = home / ".aws/credentials"
    run(*REMOVE, "~/.aws/credentials", "--password-file", "wrong", status=Status.DENIED)
    path.chmod(0o400)
    run(*REMOVE, "~/.aws/credentials", *PASSWORD, status=Status.CONFIGURATION)
    path.chmod(0o600)
    os.link(path, home / "other")
    planted.files.add(home / "other")
    run(*REMOVE, "~/.aws/credentials", *PASSWORD, status=Status.CONFIGURATION)
    (home / "other").unlink()
    planted.assert_unseen()


def test_damaged_copies(planted: Planted) -> None:
    run, home = planted.run, planted.user.home
    run(*REMOVE, "--all", *PASSWORD)
    restore = ("plaintext", "restore", "~/.aws/credentials", "--no-input")
    (home / ".aws/credentials").write_text("changed\n")
    run(*restore, *PASSWORD, status=Status.CONFIGURATION)
    run(*restore, "--copy", "nonsense", *PASSWORD, status=Status.USAGE)
    run(*restore, "--copy", "a" * 26, *PASSWORD, status=Status.USAGE)
    [copy] = home.rglob("plaintext.*.age")
    content = copy.read_bytes()
    copy.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    run(*restore, *PASSWORD, status=Status.DAMAGED)
    planted.assert_unseen()
    planted.aws_file()
    planted.files.clear()
    with pytest.raises(AssertionError):
        planted.assert_unseen()
