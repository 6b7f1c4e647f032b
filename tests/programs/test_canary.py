"""No command shows a secret but where it is asked to (SECURITY 1, 4, 10): planted values are searched for.

In what commands say, in words and environment of everything that is started (the agent's helpers included),
in the log at every level, and in every file but the ones that hold them on purpose.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from keyturn.ground.errors import Status
from tests.aws.aws_vault_files import entry, store
from tests.parts import needs
from tests.programs.pictures import picture
from tests.programs.planted import Planted, commands, secrets_in
from tests.vaults.age_plugin import Device

pytestmark = pytest.mark.needs("strace")

PASSWORD = ("--password-file", "password")


@pytest.fixture
def planted() -> Iterator[Planted]:
    with Planted() as found:
        found.observe()
        yield found


def run_every_command(planted: Planted) -> None:
    """Each command once at least, in the forms that print most; what is wrong is in test_canary_errors."""
    run, user = planted.run, planted.user
    run("agent", "start")
    run("signin", *PASSWORD)
    run(
        "item",
        "create",
        "--title",
        "t",
        "key=@value",
        "seed[otp]=-",
        *PASSWORD,
        stdin=planted.secrets["seed"],
    )
    run("item", "edit", "t", "key=-", "user[text]=ada", *PASSWORD, stdin=planted.secrets["value"])
    run("item", "get", "t", "--field", "user", *PASSWORD)
    run("vault", "create", "Other", *PASSWORD)
    every_item_command(planted)
    init = ("plugin", "init", "aws", "--no-input", "--vault", "Private", *PASSWORD)
    run(*init, "--import-profile", "default", "--remove-plaintext", "--no-verify")
    assert not secrets_in(user.home / ".aws/credentials", planted.secrets)
    planted.aws_file()
    run(*init, "--import-profile", "default", "--keep-plaintext")
    run(*init, "--item", "AWS")
    run("aws", "explain", *PASSWORD)
    aws_keys(planted)
    handed_on(planted)
    single_sign_on(planted)
    plaintext(planted)
    for form in ("table", "json"):
        run("item", "get", "t", "--format", form, *PASSWORD)
        run("item", "list", "--format", form, *PASSWORD)
        run("vault", "list", "--format", form, *PASSWORD)
        run("account", "slot", "list", "--format", form, *PASSWORD)
        for words in (["status"], ["account", "list"], ["settings"]):
            run(*words, "--format", form)
    run("settings", "set", "lock.idle_hours", "2")
    run("settings", "get", "lock.idle_hours")
    run("settings", "unset", "lock.idle_hours")
    run("plugin", "run", "--", "aws", "--version")
    for shell in ("zsh", "nu"):
        run("shell-init", shell)
    plugins_of_ones_own(planted)
    signed_in = "keyturn signin --password-file password && exec "
    wrapped = ("plugin", "run", "--", "aws", "s3", "ls")
    done = user.run(*planted.tracing, "sh", "-c", signed_in + " ".join(["keyturn", *wrapped]))
    assert done.succeeds().output == "ran\n"
    planted.said.append((wrapped, done))
    run("account", "slot", "add", "password", "--title", "two", "--new-password-file", "second", *PASSWORD)
    run("account", "slot", "remove", "two", *PASSWORD)
    other_slots(planted)
    run("grant", "--for", "1h", *PASSWORD, status=Status.LOCKED)
    run("grant", "list", "--format", "json")
    run("grant", "revoke", "--all")
    for form in ("table", "json"):
        run("log", "--format", form)
        for words in (["plugin", "list"], ["plugin", "inspect"], ["system-auth", "status"]):
            run(*words, "--format", form)
    run("plugin", "clear", "aws")
    run("system-auth", "install", "--print")
    run("system-auth", "remove", status=None)
    run("account", "password", "change", *PASSWORD, "--new-password-file", "new")
    run("account", "rename", "Renamed", "--password-file", "new")
    run("account", "trust", "--yes", "--password-file", "new")
    run("account", "create", "Second", "--password-file", "second")
    run("plugin", "import-op", status=Status.MISSING)
    run("signin", "--account", "Renamed", "--password-file", "code")
    run("account", "forget", "--account", "Renamed")
    run("account", "add", str(user.home / "accounts/Test"), "--title", "Test")
    run("shim", "enable", "aws", "--no-shell-rc")
    run("completion", "zsh")
    run("status", "--short")
    run("status", "--command")
    for form in ("table", "json"):
        run("shim", "list", "--format", form)
        run("doctor", "--format", form, status=None)
    run("shim", "disable", "aws")
    run("plugin", "uninstall", "--all", "--yes")
    run("signout", "--all")
    run("lock")
    run("agent", "stop")


def plugins_of_ones_own(planted: Planted) -> None:
    """A plugin made after the looks of a secret, which is in none of its files."""
    run, config = planted.run, planted.user.home / ".config/keyturn"
    words = ("new", "own", "--field", "token=OWN_TOKEN", "--example-file", "token=value", "--no-input")
    run("plugin", *words, "--dry-run")
    run("plugin", *words)
    run("plugin", "validate")
    run("plugin", "test", "own")
    for form in ("table", "json"):
        run("plugin", "examples", "own", "--format", form)
    assert not secrets_in(config / "plugins/own.toml", planted.secrets)
    assert not secrets_in(config / "plugins/cases/own.toml", planted.secrets)


def every_item_command(planted: Planted) -> None:
    """What `keyturn item` can do with the item that is there, and with new ones."""
    run, home, secrets = planted.run, planted.user.home, planted.secrets
    for form in ("table", "json"):
        run("item", "get", "t", "--otp", "--next", "--format", form, *PASSWORD)
        run("item", "history", "t", "--format", form, *PASSWORD)
        run("item", "get", "t", "--version", "1", "--format", form, *PASSWORD)
    run("item", "get", "t", "--otp", *PASSWORD)
    printed = {"AccessKey": {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": secrets["value"]}}
    run(
        "item",
        "create",
        "--from",
        "-",
        "--title",
        "k",
        "--vault",
        "Other",
        *PASSWORD,
        stdin=json.dumps(printed),
    )
    pair = f"AKIAIOSFODNN7EXAMPLE {secrets['value']}"
    run("item", "create", "--from", "-", "--title", "l", "--vault", "Other", *PASSWORD, stdin=pair)
    file = picture(home / "code.png", f"otpauth://totp/x?secret={secrets['seed']}")
    run("item", "edit", "k", "--otp-qr", file, *PASSWORD)
    editor = home / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/AKIA/AKIB/ "$1"\n')
    editor.chmod(0o755)
    for more in ((), ("--reveal",)):
        run("item", "edit", "k", "--editor", *more, *PASSWORD, variables={"EDITOR": str(editor)})
    run("item", "edit", "t", "key[otp]", *PASSWORD, status=None)
    run("item", "move", "k", "--to", "Private", *PASSWORD)
    run("item", "delete", "k", *PASSWORD)
    run("item", "list", "--archived", *PASSWORD)
    run("item", "restore", "k", *PASSWORD)
    run("item", "restore", "k", "--version", "1", *PASSWORD)
    run("item", "delete", "k", "--permanently", "--yes", *PASSWORD)


def plaintext(planted: Planted) -> None:
    """The key in its file, found, taken out and put back."""
    run, path = planted.run, planted.user.home / ".aws/credentials"
    for form in ("table", "json"):
        run("plaintext", "scan", "--format", form)
    run("plaintext", "remove", "~/.aws/credentials", "--dry-run")
    run("plaintext", "remove", "--all", "--no-verify", "--no-input", "--vault", "Private", *PASSWORD)
    assert not secrets_in(path, planted.secrets)
    for form in ("table", "json"):
        run("plaintext", "restore", "--list", "--format", form, *PASSWORD)
    run("plaintext", "restore", "~/.aws/credentials", *PASSWORD)
    assert secrets_in(path, planted.secrets)


def aws_keys(planted: Planted) -> None:
    """Keys from where people have them; AWS itself does not answer."""
    run, secret = planted.run, planted.secrets["value"]
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    refused: dict[str, Any] = {"variables": nowhere, "status": Status.SERVICE_REFUSED}
    run("aws", "verify", "AWS", *PASSWORD, **refused)
    run("aws", "mfa", "enable", "AWS", *PASSWORD, **refused)
    planted.file("keys.csv", f"Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLF,{secret}\n")
    from_csv = ("aws", "import", "--console-csv", "keys.csv", "--vault", "Private")
    run(*from_csv, "--delete-file", *PASSWORD, **refused)
    run(*from_csv, "--delete-file", "--no-verify", *PASSWORD)
    keys = {"ada": entry("ada", "AKIAIOSFODNN7EXAMPLG", secret)}
    store(planted.user.home / ".awsvault/keys", planted.secrets["passphrase"], **keys)
    from_vault = ("aws", "import", "--from", "aws-vault", "--all", "--vault", "Private")
    run(*from_vault, "--passphrase-file", "wrong", *PASSWORD, status=Status.DENIED)
    run(*from_vault, "--passphrase-file", "passphrase", "--no-verify", *PASSWORD)


def handed_on(planted: Planted) -> None:
    """Credentials for SDKs and shells, which print them: what they print goes where nobody looks."""
    run, user = planted.run, planted.user
    for words in (("aws", "credential-process"), ("aws", "export"), ("aws", "exec", "--", "aws", "s3", "ls")):
        script = f"keyturn {' '.join(words[:2])} --password-file password {' '.join(words[2:])} >/dev/null"
        planted.said.append((words, user.run(*planted.tracing, "sh", "-c", script).succeeds()))
    config = user.home / ".aws/config"
    config.write_text("[profile p]\nrole_arn = arn:aws:iam::111122223333:role/p\n")
    run("aws", "configure", "p")
    run("aws", "configure", "p", "--undo")
    pasted = "\n".join(
        f"export AWS_{name}={value}"
        for name, value in (
            ("ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
            ("SECRET_ACCESS_KEY", planted.secrets["value"]),
            ("SESSION_TOKEN", planted.secrets["aws"]),
        )
    )
    run("aws", "import", "--paste", "--no-verify", "--vault", "Private", *PASSWORD, stdin=pasted)
    config.unlink()


def single_sign_on(planted: Planted) -> None:
    """Without a terminal nobody can sign in; tokens are looked for in test_canary_sso.py."""
    run = planted.run
    start = "https://corp.awsapps.com/start"
    (planted.user.home / ".aws/config").write_text(
        f"[sso-session corp]\nsso_start_url = {start}\nsso_region = eu-central-1\n"
    )
    for command in ("login", "list", "populate"):
        run("aws", "sso", command, *PASSWORD, status=Status.LOCKED)
    for form in ("table", "json"):
        run("aws", "sso", "status", "--format", form, *PASSWORD)
    run("aws", "sso", "logout", *PASSWORD)
    run("aws", "sso", "logout", "--all", *PASSWORD)


def other_slots(planted: Planted) -> None:
    """Slots for keys outside: an SSH key with a passphrase, an age plugin, the login keyring, a code."""
    run, user = planted.run, planted.user
    key, device = user.home / "key", Device.make(user.home / "device")
    phrase = planted.secrets["passphrase"]
    make_key = [needs("ssh-keygen"), "-q", "-t", "ed25519", "-f", str(key), "-N", phrase]
    subprocess.run(make_key, check=True)
    add, passphrase = ("account", "slot", "add"), ("--passphrase-file", "passphrase")
    run(*add, "ssh", "--key", str(key), "--title", "ssh", *passphrase, *PASSWORD)
    by_plugin = ("--identity", device.identity_file(), "--plugin", str(device.program), "--no-touch")
    run(*add, "plugin", "--title", "plugin", *by_plugin, *PASSWORD)
    run("account", "slot", "use", "ssh", "--key", str(key), *passphrase, *PASSWORD)
    run(*add, "keyring", *PASSWORD, status=None)
    run(*add, "recovery", "--no-input", *PASSWORD, status=Status.USAGE)
    run("account", "recovery", "--no-input", *PASSWORD, status=Status.USAGE)


@pytest.mark.timeout(300)
def test_no_command_shows_a_secret(planted: Planted) -> None:
    run_every_command(planted)
    assert planted.covered == commands(), "a command that is not in run_every_command"
    planted.assert_unseen()
    log = (planted.user.state / "agent.log").read_text()
    assert "execute program" in log, "asyncio's own lines, of the lowest level, are in the log"
    assert "supervisor started" in log
    started = planted.helpers.read_text()
    assert "keyturn.agent.helper" in started, "helpers are in the trace"
    assert f"HOME={planted.user.home}" in started, "with their environment"
    assert '"key=@value"' in planted.trace.read_text(), "so are the words of commands"


def test_what_is_looked_at_would_show_them(planted: Planted) -> None:
    """Each way of looking finds what is there to be found."""
    run, user = planted.run, planted.user
    run("item", "create", "--title", "t", "key=@value", *PASSWORD)
    run("plugin", "init", "aws", "--no-input", "--import-profile", "default", "--keep-plaintext", *PASSWORD)
    planted.assert_unseen()
    for path in planted.files:
        assert len(secrets_in(path, planted.secrets)) == 1, path
    # Standard output, where a value is asked for.
    shown = run("item", "get", "t", "--reveal", *PASSWORD)
    assert planted.secrets["value"] in shown.output
    with pytest.raises(AssertionError, match="value in what"):
        planted.assert_unseen()
    planted.said.clear()
    # A file somewhere.
    stray = user.state / "stray"
    stray.write_text(planted.secrets["aws"])
    with pytest.raises(AssertionError, match="stray"):
        planted.assert_unseen()
    stray.unlink()
    # The environment of the wrapped command holds the key; that of another program must not.
    wrapped = "keyturn signin --password-file password && exec keyturn plugin run -- aws s3 ls"
    user.run(*planted.tracing, "sh", "-c", wrapped).succeeds()
    traced_text = planted.trace.read_text()
    assert planted.secrets["aws"] in traced_text
    planted.assert_unseen()
    planted.trace.write_text(traced_text.replace(f"{user.home}/bin/aws", "/usr/bin/other"))
    with pytest.raises(AssertionError, match="aws in the words or the environment"):
        planted.assert_unseen()


def test_the_callers_environment_stays_the_callers(planted: Planted) -> None:
    """A key in the environment of the command that starts the agent: the agent and its helpers have none."""
    planted.user.keyturn("agent", "stop").succeeds()
    key = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": planted.secrets["environment"],
    }
    init = ("plugin", "init", "aws", "--import-env", "--no-input", *PASSWORD)
    done = planted.user.keyturn(*init, variables=key).succeeds()
    planted.said.append((init, done))
    assert len(planted.agents()) == 2
    for pid in planted.agents():
        with open(f"/proc/{pid}/environ") as stream:
            content = stream.read()
        assert f"HOME={planted.user.home}" in content
        assert "AWS_" not in content
    planted.assert_unseen()
