"""The format page's commands, run as they stand there, with `age` and nothing of Keyturn."""

import json
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.vaults.age import derive, identities, keyring, plugin, rotation, slots, ssh
from keyturn.vaults.age.slots import Kind
from tests.parts import needs
from tests.vaults import age_scrypt
from tests.vaults.age_plugin import NAME, Device
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.people import Person
from tests.vaults.ssh_keys import PASSPHRASE, make_key
from tests.vaults.templates import Made, really_wrapped

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "vault-format.md"


def commands(title: str) -> str:
    """The `sh` block under the heading `title`."""
    found = re.search(
        rf"^### {re.escape(title)}\n.*?^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found, f"no block under “{title}” in {PAGE}"
    return found[1]


def filled(command: str, made: Made, kind: str) -> str:
    slot = next(slot.id for slot in made.account.slots() if slot.kind == kind)
    return command.replace("SLOT", slot).replace("VAULT", made.vault.id)


def run_with_password(command: str, directory: Path, password: str, path: str = "") -> str:
    """What a shell prints on a terminal on which the password is typed when it is asked for.

    `path` comes before its PATH.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(directory)
        os.environ["PATH"] = f"{path}:{os.environ['PATH']}"
        os.execvp("sh", ["sh", "-c", command])
    shown, typed, deadline = b"", False, time.monotonic() + 30
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        if b"passphrase" in shown and not typed:
            typed = True
            os.write(terminal, password.encode() + b"\n")
    os.waitpid(process, 0)
    os.close(terminal)
    return shown.decode()


def secrets_of(made: Made) -> list[str]:
    [(summary, _)] = made.account.items()
    return [field.value.reveal() for field in made.account.get(summary.id)[0].fields]


def test_the_recovery_code_opens_a_vault_with_one_line(made: Made) -> None:
    needs("age")
    command = filled(commands("With a recovery code"), made, "recovery")
    assert command.count("\n") == 1
    assert made.recovery_code is not None
    (made.directory / "recovery.txt").write_text(made.recovery_code.reveal() + "\n")
    for line in (command, command.replace(f"vaults/{made.vault.id}", "account")):
        done = subprocess.run(["sh", "-c", line], cwd=made.directory, capture_output=True, check=True)
        payload = json.loads(done.stdout)
        assert payload["account"] == made.account.id
    assert all(
        secret
        in subprocess.run(
            ["sh", "-c", command], cwd=made.directory, capture_output=True, check=True, text=True
        ).stdout
        for secret in secrets_of(made)
    )


def test_a_password_opens_a_vault(made: Made) -> None:
    needs("age")
    shown = run_with_password(
        filled(commands("With a password"), made, "password"), made.directory, made.password.reveal()
    )
    payload = json.loads(shown[shown.index("{") :])
    assert [item["title"] for item in payload["items"].values()] == ["AWS EXAMPLE"]
    assert all(secret in shown for secret in secrets_of(made))


def add_locked(made: Made, kind: Kind, result: derive.Result) -> None:
    """Add a slot with a helper's result, and take it through a change of the account identity."""
    assert isinstance(result, derive.Wrapped)
    made.account.add_slot(slots.locked_key(kind, result, kind))
    slot = next(slot.id for slot in made.account.slots() if slot.kind == "password")
    rotation.change_password(made.account, slot, age_scrypt.wrapped("changed EXAMPLE"))


@pytest.mark.parametrize(
    ("kind", "passphrase"), [("ed25519", PASSPHRASE), ("ed25519", ""), ("rsa", ""), ("rsa", PASSPHRASE)]
)
def test_an_ssh_key_opens_a_vault(made: Made, tmp_path: Path, kind: str, passphrase: str) -> None:
    needs("age")
    key = make_key(tmp_path / "key", kind, passphrase)
    add_locked(made, Kind.SSH, ssh.perform(ssh.WrapForSsh(ssh.look_at(str(key)).public), Person()))
    command = filled(commands("With an SSH key or an age plugin"), made, "ssh").replace("KEY", str(key))
    assert all(
        secret in run_with_password(command, made.directory, passphrase) for secret in secrets_of(made)
    )


def test_a_plugin_opens_a_vault(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("age")
    device = Device.make(tmp_path / "device")
    with monkeypatch.context() as context:
        context.setenv("PATH", str(device.program.parent))
        task = plugin.WrapForPlugin(NAME, device.recipient, Secret(""))
        add_locked(made, Kind.PLUGIN, plugin.perform(task, Person()))
    command = filled(commands("With an SSH key or an age plugin"), made, "plugin")
    command = command.replace("KEY", device.identity_file())
    shown = run_with_password(command, made.directory, "", str(device.program.parent))
    assert all(secret in shown for secret in secrets_of(made))


def test_the_login_keyring_opens_a_vault(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("age")
    needs("secret-tool")
    identity = identities.generate()
    made.account.add_slot(slots.identity_key(Kind.KEYRING, identity, "login keyring"))
    (tmp_path / "k").mkdir(mode=0o700)
    with LoginKeyring(tmp_path / "k") as login:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", login.bus)
        keyring.perform(keyring.StoreInKeyring(made.account.id, new_id(), "Keyturn", identity))
        command = filled(commands("With the login keyring"), made, "keyring")
        shown = run_with_password(command.replace("ACCOUNT", made.account.id), made.directory, "")
    assert all(secret in shown for secret in secrets_of(made))


def test_the_page_names_every_kind_of_slot() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| (?:X25519, for|as for a password).*\|$", PAGE.read_text(), re.MULTILINE
    )
    assert sorted(rows) == sorted(Kind)


def test_older_versions_and_every_slot_after_a_change_open_too(made: Made) -> None:
    needs("age")
    slot = next(slot.id for slot in made.account.slots() if slot.kind == "password")
    rotation.change_password(made.account, slot, age_scrypt.wrapped("changed EXAMPLE"))
    command = filled(commands("With a password"), made, "password")
    [old] = (made.directory / "versions").glob(f"{made.vault.id}.1.age")
    for line in (command, command.replace(f"vaults/{made.vault.id}.age", f"versions/{old.name}")):
        assert '"keyturn":"vault"' in run_with_password(line, made.directory, "changed EXAMPLE")


def test_age_opens_what_pyrage_locks(tmp_path: Path) -> None:
    """The real work factor, and the real writer."""
    needs("age")
    wrapped = really_wrapped("typed EXAMPLE")
    (tmp_path / "key.age").write_bytes(wrapped.block)
    shown = run_with_password("age -d key.age", tmp_path, "typed EXAMPLE")
    identity = Secret(shown[shown.index("AGE-SECRET-KEY-1") :].strip())
    assert identities.recipient_of(identity) == wrapped.recipient


@pytest.mark.parametrize("work", [15, 16])
def test_age_opens_what_the_independent_writer_locks(tmp_path: Path, work: int) -> None:
    needs("age")
    (tmp_path / "key.age").write_bytes(age_scrypt.lock(b"content\n", "typed EXAMPLE", work))
    assert "content" in run_with_password("age -d key.age", tmp_path, "typed EXAMPLE")


def test_the_page_shows_the_slot_header_as_it_is(made: Made) -> None:
    path = next((made.directory / "slots").iterdir())
    header = slots.parse(path.read_bytes()).header.encode().decode()
    names = [line.split(":")[0] for line in header.splitlines() if line]
    block = re.search(r"^```text\n(keyturn-slot: 1\n.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert block
    shown = block[1].splitlines()
    assert [line.split(":")[0] for line in shown[: len(names)]] == names
