"""`keyturn aws sso populate` as a person calls it: looked at first, once, twice, and taken back."""

import json
from collections.abc import Iterator

import botocore.session
import pytest

from tests.aws_server.sso import SsoServer
from tests.programs.sso_user import PROFILES, opened, set_up, with_browser
from tests.programs.user import User

POPULATE = "keyturn aws sso populate"
NEW = [
    "Development.ReadOnly",
    "Unicode-Sohne.Admin",
    "Unicode-Sohne.Billing",
    "Unicode-Sohne.ReadOnly",
]


@pytest.fixture
def sso() -> Iterator[SsoServer]:
    with SsoServer() as found:
        yield found


def test_profiles_are_added_used_and_taken_back(user: User, sso: SsoServer) -> None:
    odd = "# by hand\r\n[default]\r\nregion=eu-central-1   \r\n"
    before = odd + sso.config_text(**PROFILES).replace("\n", "\r\n").rstrip()
    set_up(user, sso, before)
    with_browser(user)
    config = user.home / ".aws/config"
    config.chmod(0o640)
    terminal = opened(user)
    # It signs in by itself.
    assert terminal.run(f"{POPULATE} --dry-run >out 2>/dev/null")[1] == 0
    assert (user.home / "out").read_text().split() == NEW
    assert config.read_bytes() == before.encode()
    rows = json.loads(terminal.run(f"{POPULATE} --role Admin --format json 2>/dev/null")[0])["profiles"]
    assert [(row["name"], row["added"]) for row in rows] == [("Unicode-Sohne.Admin", True), ("dev", False)]
    # Copies tell their times in whole seconds, and the first of two is wanted below.
    terminal.run("sleep 1.1")
    assert "added 3 profiles to ~/.aws/config" in terminal.run(f"{POPULATE} --region eu-west-1")[0]
    after = config.read_bytes()
    assert after.startswith(before.encode())
    assert after.count(b"\n") == after.count(b"\r\n")
    assert config.stat().st_mode & 0o777 == 0o640
    assert "6 of the roles have a profile there already" in terminal.run(POPULATE)[0]
    assert config.read_bytes() == after
    # AWS's own library reads them, and Keyturn gets their keys.
    session = botocore.session.Session()
    session.set_config_variable("config_file", str(config))
    session.set_config_variable("credentials_file", "/nonexistent")
    assert set(session.available_profiles) == {"default", *PROFILES, *NEW}
    used = terminal.run("keyturn plugin run -- aws s3 ls --profile Unicode-Sohne.Billing")[0]
    assert "333333333333/Billing eu-west-1" in used
    terminal.run("keyturn plaintext restore ~/.aws/config")
    terminal.run(f"keyturn plaintext restore ~/.aws/config --copy {oldest(terminal.run)}")
    assert config.read_bytes() == before.encode()
    assert "none of your 6 roles" in terminal.run(f"{POPULATE} --role Nobody")[0]


def oldest(run: object) -> str:
    """The id of the copy that was kept first."""
    assert callable(run)
    shown = json.loads(run("keyturn plaintext restore --list --format json")[0])
    (rows,) = [value for value in shown.values() if isinstance(value, list)]
    return str(min(rows, key=lambda row: row["kept_at"])["id"])
