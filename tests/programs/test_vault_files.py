"""The account's directory is not what this machine left: damaged, rolled back, forked, moved, full."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.parts import needs
from tests.programs.user import User
from tests.vaults.templates import Made, make_account, make_item, make_machine


class TestVaultFiles:
    """What lies in the account's directory is not what this machine wrote last."""

    def spoil(self, user: User) -> tuple[Made, tuple[str, ...]]:
        made = user.account(make_item())
        return made, ("item", "list", "--password-file", user.password_file())

    def test_damaged(self, user: User) -> None:
        made, command = self.spoil(user)
        vault = made.directory / "vaults" / f"{made.vault.id}.age"
        content = bytearray(vault.read_bytes())
        content[-1] ^= 1
        vault.write_bytes(content)
        user.keyturn(*command).fails(Status.DAMAGED, str(vault))
        assert vault.read_bytes() == content, "nothing is written after a failed read"

    def test_rolled_back(self, user: User) -> None:
        made, command = self.spoil(user)
        vault = made.directory / "vaults" / f"{made.vault.id}.age"
        old = vault.read_bytes()
        made.account.create(made.vault.id, make_item("second"))
        vault.write_bytes(old)
        said = user.keyturn(*command).fails(Status.DAMAGED, "older")
        assert "keyturn account trust" in said.errors

    def test_forked(self, user: User) -> None:
        made, command = self.spoil(user)
        vault = made.directory / "vaults" / f"{made.vault.id}.age"
        old = vault.read_bytes()
        made.account.create(made.vault.id, make_item("one branch"))
        # The other branch is written on another machine, from the same old file.
        elsewhere = user.home / "elsewhere"
        shutil.copytree(made.directory, elsewhere)
        (elsewhere / "vaults" / vault.name).write_bytes(old)
        other = made_elsewhere(user, made, elsewhere)
        for title in ("two", "three"):
            other.account.create(made.vault.id, make_item(title))
        vault.write_bytes((elsewhere / "vaults" / vault.name).read_bytes())
        said = user.keyturn(*command).fails(Status.DAMAGED, "")
        assert "keyturn account trust" in said.errors

    def test_of_another_account(self, user: User) -> None:
        made, command = self.spoil(user)
        other = make_account(user.home / "other", user.state, title="Other", items=[make_item()])
        vault = made.directory / "vaults" / f"{made.vault.id}.age"
        vault.write_bytes((other.directory / "vaults" / f"{other.vault.id}.age").read_bytes())
        user.keyturn(*command).fails(Status.DAMAGED, str(vault))

    def test_without_its_directory(self, user: User) -> None:
        made, command = self.spoil(user)
        shutil.move(made.directory, user.home / "moved")
        user.keyturn(*command).fails(Status.MISSING, str(made.directory))
        user.keyturn("account", "forget", "--account", "Test").succeeds()
        user.keyturn("account", "add", str(user.home / "moved")).succeeds()
        user.keyturn(*command).succeeds()


def made_elsewhere(user: User, made: Made, directory: Path) -> Made:
    """The same account as another machine opens it, which has seen nothing of it yet."""
    machine = make_machine(user.home / "elsewhere-state")
    opened = replace(made, directory=directory, machine=machine)
    return replace(opened, account=opened.open())


@pytest.mark.needs("root")
def test_a_full_disk_is_said_and_loses_nothing(user: User) -> None:
    disk = user.home / "accounts"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k,mode=700", "tmpfs", str(disk)], check=False
    )
    if mounted.returncode != 0:
        needs("the right to mount a tmpfs")
    try:
        user.account(make_item())
        file = ("--password-file", user.password_file())
        user.run("dd", "if=/dev/zero", f"of={disk}/fill", "bs=1k", "count=200")
        for command in (
            ("item", "create", "--title", "second"),
            ("vault", "create", "V"),
            ("account", "rename", "N"),
        ):
            said = user.keyturn(*command, *file)
            assert said.status != 0, command
            assert "no space left on device" in said.errors.splitlines()[0], command
        (disk / "fill").unlink()
        user.keyturn("agent", "stop").succeeds()
        listed = user.keyturn("item", "list", *file).succeeds().output
        assert [line.split()[0] for line in listed.splitlines()[1:]] == ["AWS"]
        user.keyturn("item", "create", "--title", "second", *file).succeeds()
    finally:
        user.keyturn("agent", "stop")
        subprocess.run(["umount", str(disk)], check=True)
