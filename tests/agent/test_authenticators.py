"""The order of authenticators is the setting's."""

from pathlib import Path

import msgspec
import pytest

from keyturn.agent import authenticators
from keyturn.auth.password import Password
from keyturn.auth.protocol import Asking
from keyturn.ground import settings
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.secret import Secret
from keyturn.ground.settings import AUTHENTICATORS, Authentication, Settings


async def helper(room: str, task: bytes, asking: Asking) -> bytes:
    raise AssertionError


async def check(secret: Secret) -> None:
    raise AssertionError


def names(found: Settings) -> list[str]:
    return [each.name for each in authenticators.ordered(found, (), helper, [Password("", check)])]


def test_each_has_its_name_and_the_order_is_the_settings() -> None:
    assert names(Settings()) == [name for name in AUTHENTICATORS if name != "slot"]
    chosen = Settings(authentication=Authentication(order=("password", "polkit")))
    assert names(chosen) == ["password", "polkit"]


def test_an_account_without_a_password_is_approved_by_the_others() -> None:
    made = authenticators.ordered(Settings(), (), helper, [])
    assert [each.name for each in made] == [*AUTHENTICATORS[:2], "pam"]


def test_the_time_limit_is_that_of_questions() -> None:
    found = msgspec.structs.replace(Settings(), prompt=settings.Prompt(timeout_seconds=7))
    made = authenticators.ordered(found, (), helper, [Password("", check)])
    assert [vars(each)["_seconds"] for each in made if each.name != "password"] == [7.0, 7.0, 7.0]


@pytest.mark.parametrize("value", ['["face"]', "[]", '["password", "password"]', '["polkit", "Password"]'])
def test_a_name_that_is_none_is_an_error_that_names_those_known(tmp_path: Path, value: str) -> None:
    path = tmp_path / "settings.toml"
    with pytest.raises(UsageError, match="touch-id, polkit, slot, pam, password"):
        settings.change(path, "authentication.order", value)
    assert not path.exists()
    path.write_text(f"[authentication]\norder = {value}\n")
    with pytest.raises(ConfigurationError, match="touch-id, polkit, slot, pam, password"):
        settings.load(path)


@pytest.mark.parametrize("value", ["../other", "a/b", ".", "x\ny", " "])
def test_a_service_is_a_files_name(tmp_path: Path, value: str) -> None:
    with pytest.raises(UsageError):
        settings.change(
            tmp_path / "settings.toml", "authentication.pam_service", msgspec.json.encode(value).decode()
        )
