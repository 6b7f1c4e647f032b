"""What this machine needs to open slots: kept whole, for the user alone, and strict."""

from pathlib import Path

import pytest

from keyturn.ground.errors import DamagedError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.vaults.age.openers import KeyringOpener, Opener, Openers, PluginOpener, SshOpener
from tests.vaults.templates import make_machine

ONE, OTHER, THIRD = ("1" * 64, "2" * 64, "3" * 64)
PLUGIN = PluginOpener("probe", "/bin/x", "0" * 64, Secret("AGE-PLUGIN-EXAMPLE"), silent=False)
ALL: dict[str, Opener] = {
    ONE: SshOpener("/home/x/.ssh/id", unprotected=True),
    OTHER: PLUGIN,
    THIRD: KeyringOpener("unix:path=/x", "a" * 26),
}


def test_kept_changed_and_forgotten(tmp_path: Path) -> None:
    openers, account = Openers(make_machine(tmp_path / "state")), new_id()
    openers.forget(account)
    assert openers.of(account) == {}
    for mark, opener in ALL.items():
        openers.keep(account, mark, opener)
    assert Openers(make_machine(tmp_path / "state")).of(account) == ALL
    [path] = (tmp_path / "state/openers").glob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    openers.keep(account, ONE, PLUGIN)
    assert openers.of(account)[ONE] == PLUGIN
    openers.keep_only(account, {OTHER, "4" * 64})
    assert openers.of(account) == {OTHER: PLUGIN}
    assert openers.of(new_id()) == {}
    openers.forget(account)
    assert openers.of(account) == {}
    assert "EXAMPLE" not in repr(ALL)


def test_what_is_not_written_like_that_is_damaged_and_stays(tmp_path: Path) -> None:
    openers, account, another = Openers(make_machine(tmp_path / "state")), new_id(), new_id()
    openers.keep(account, ONE, PLUGIN)
    [path] = (tmp_path / "state/openers").glob("*.json")
    sound = path.read_bytes()
    for spoilt in (
        b"",
        b"{}",
        sound + b" ",
        sound.replace(b'"format": 1', b'"format": 2'),
        sound.replace(account.encode(), another.encode()),
        sound.replace(b'"silent"', b'"loud"'),
        sound.replace(b'"plugin"', b'"other"'),
        sound.replace(ONE.encode(), b"1"),
        b"\xff" + sound,
    ):
        assert spoilt != sound
        path.write_bytes(spoilt)
        for use in (
            lambda: openers.of(account),
            lambda: openers.keep(account, OTHER, PLUGIN),
            lambda: openers.keep_only(account, set()),
        ):
            with pytest.raises(DamagedError, match="is damaged") as caught:
                use()
            assert "EXAMPLE" not in str(caught.value)
        assert path.read_bytes() == spoilt, "what cannot be read is not written over"
