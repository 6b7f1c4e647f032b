"""The contract of a backend, for the age vaults."""

from pathlib import Path

import pytest

from keyturn.ground.secret import Secret
from keyturn.vaults.age import creation
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.age.slots import new_recovery_code, recovery_key
from keyturn.vaults.backend import Backend, Unavailable
from tests.vaults.contract import BackendContract
from tests.vaults.templates import Made, make_machine


class TestAgeAccount(BackendContract):
    @pytest.fixture
    def code(self) -> Secret:
        return new_recovery_code()

    @pytest.fixture
    def backend(self, tmp_path: Path, code: Secret) -> AgeAccount:
        machine = make_machine(tmp_path / "state")
        return creation.create(tmp_path / "account", "Test", [recovery_key(code, "code")], machine)

    @pytest.fixture
    def reopened(self, backend: Backend, tmp_path: Path, code: Secret) -> AgeAccount:
        machine = make_machine(tmp_path / "state")
        return Opening.with_recovery_code(tmp_path / "account", code).account(machine)


def test_is_unavailable_with_a_reason_when_its_file_is_gone(made: Made) -> None:
    (made.directory / "account.age").unlink()
    state = made.account.availability()
    assert isinstance(state, Unavailable)
    assert "account.age is gone" in state.reason
