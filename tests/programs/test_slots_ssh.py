"""Slots of SSH keys, end to end, with keys of ssh-keygen's."""

import json
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import Result, User
from tests.vaults.ssh_keys import PASSPHRASE, make_key
from tests.vaults.templates import PASSWORD, make_item

ASKED = "password of account “Test”: "


@pytest.fixture
def key(user: User) -> Path:
    """A protected key, and an account that does not know it."""
    user.account(make_item())
    (user.home / ".ssh").mkdir(mode=0o700)
    return make_key(user.home / ".ssh/id_ed25519")


def add(user: User, key: Path, *more: str) -> Result:
    words = ("account", "slot", "add", "ssh", "--key", str(key), "--title", "laptop", *more)
    return user.keyturn(*words, "--password-file", user.password_file())


def titles(user: User) -> list[str]:
    listed = user.keyturn(
        "account", "slot", "list", "--format", "json", "--password-file", user.password_file()
    ).succeeds()
    return [slot["title"] for slot in json.loads(listed.output)["slots"]]


class TestProtectedKey:
    def test_added_by_a_person_and_opened_with_its_passphrase(self, user: User, key: Path) -> None:
        terminal = user.terminal()
        terminal.type("keyturn account slot add ssh")
        terminal.expect(r"file of the SSH key \[.*id_ed25519\]: ")
        terminal.type("")
        terminal.answer(ASKED, PASSWORD)
        terminal.answer(f"passphrase of {key}: ", "wrong EXAMPLE")
        terminal.expect(r"wrong passphrase \(1 of 3\)")
        terminal.answer(f"passphrase of {key}: ", PASSPHRASE)
        terminal.ready()
        assert terminal.status() == 0
        user.keyturn("lock").succeeds()
        terminal.type("keyturn item list")
        terminal.answer(f"passphrase of {key}: ", PASSPHRASE)
        assert "AWS EXAMPLE" in terminal.ready()
        assert PASSPHRASE not in "\n".join(terminal.screen())
        user.keyturn("lock").succeeds()
        terminal.type("keyturn item list")
        for _ in range(3):
            terminal.answer(f"passphrase of {key}: ", "wrong EXAMPLE")
        assert "wrong passphrase, 3 times" in terminal.ready()
        assert terminal.status() == Status.DENIED

    def test_added_by_a_script_and_taken_away(self, user: User, key: Path) -> None:
        add(user, key).fails(Status.DENIED, f"there is nobody to answer: passphrase of {key}")
        file = user.home / "passphrase"
        file.write_text("wrong EXAMPLE\n")
        add(user, key, "--passphrase-file", str(file)).fails(Status.DENIED, "wrong passphrase (1 of 3)")
        file.write_text(PASSPHRASE + "\n")
        assert titles(user) == ["password"]
        add(user, key, "--passphrase-file", str(file)).succeeds()
        user.keyturn("lock").succeeds()
        terminal = user.terminal()
        key.rename(key.with_name("moved"))
        terminal.type("keyturn item list")
        terminal.answer(ASKED, PASSWORD)
        assert "AWS EXAMPLE" in terminal.ready(), "a key that is not there is no question"
        key.with_name("moved").rename(key)
        printed, _ = terminal.run("keyturn account slot remove laptop")
        assert "AWS EXAMPLE (Private)" in printed
        user.keyturn("lock").succeeds()
        terminal.type("keyturn item list")
        terminal.answer(ASKED, PASSWORD)
        assert "AWS EXAMPLE" in terminal.ready(), "the old key opens nothing new"


class TestUnprotectedKey:
    def test_refused_without_the_word_for_it(self, user: User, key: Path) -> None:
        bare = make_key(user.home / ".ssh/bare", "rsa", "")
        add(user, bare).fails(Status.DENIED, "has no passphrase: whoever can read that file")
        assert titles(user) == ["password"]
        add(user, bare, "--unprotected").succeeds()
        user.keyturn("lock").succeeds()
        # There is nobody whom it would ask, so it has to be somebody's yes: not in silence.
        refused = user.keyturn("item", "list")
        assert refused.status == Status.LOCKED

    def test_a_public_key_is_for_somebody_else(self, user: User, key: Path) -> None:
        add(user, key.with_suffix(".pub")).succeeds()
        user.keyturn("lock").succeeds()
        use = ("account", "slot", "use", "laptop")
        user.keyturn(*use).fails(Status.USAGE, "the slot's SSH key is missing")
        other = make_key(user.home / ".ssh/other")
        terminal = user.terminal()
        terminal.type(f"keyturn account slot use laptop --key {other}")
        terminal.answer(f"passphrase of {other}: ", PASSPHRASE)
        assert "is not the key of the slot" in terminal.ready()
        terminal.type(f"keyturn account slot use laptop --key {key}")
        terminal.answer(f"passphrase of {key}: ", PASSPHRASE)
        terminal.ready()
        terminal.type("keyturn item list")
        terminal.answer(f"passphrase of {key}: ", PASSPHRASE)
        assert "AWS EXAMPLE" in terminal.ready()
