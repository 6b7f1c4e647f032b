"""Pointing profiles at Keyturn and back: what SDKs and Keyturn make of it, and that nothing else changes."""

import os
import stat
import tempfile
from pathlib import Path

import pytest
from botocore.configloader import load_config
from botocore.exceptions import ConfigParseError
from hypothesis import given
from hypothesis import strategies as st

from keyturn.aws import delegation, pointing
from keyturn.aws.config import ConfigurationCache, parse_file
from keyturn.ground.errors import ConfigurationError

COMMAND = "/usr/bin/keyturn aws credential-process --profile p"
ROLE = "role_arn = arn:aws:iam::111122223333:role/p\nsource_profile = s\n"

FILES = {
    "a role": f"[profile p]\n{ROLE}region = r\n[profile s]\n",
    "without an end": "[profile p]",
    "without an end, with a key": "[profile p]\nregion = r",
    "other line ends": f"[profile p]\r\n{ROLE}\r\n[profile s]\r\n".replace("\n", "\r\n").replace(
        "\r\r", "\r"
    ),
    "comments and spaces": "# p\n\n[ profile  p ]\n[profile p]\n; a\n\n  role_arn = a\n  sso_region = s\n",
    "indented": "[profile p]\n  role_arn = a\n  source_profile = s\n[profile s]\n",
    "a nested block": "[profile p]\ns3 =\n  signature_version = s3v4\n  role_arn = inner\nRole_Arn=outer\n",
    "a block first": "[profile p]\ns3 =\n    a = b\ncredential_process : x\n[profile q]\nrole_arn = other\n",
    "quoted": '[profile "p"]\nsso_session = x\n[sso-session x]\nsso_start_url = u#v\n',
    "others around": "[default]\nrole_arn = d\n[profile p]\n[profile z]\nrole_arn = z\n",
    "not there": "[default]\nregion = r\n",
    "nothing": "",
    "bytes that are no text": "[profile p]\nrole_arn = a\n# \udce4\udcf6\n",
}


def read(content: bytes) -> dict[str, dict[str, object]]:
    """The profiles as botocore has them."""
    with tempfile.NamedTemporaryFile(suffix=".ini") as file:
        file.write(content)
        file.flush()
        return dict(load_config(file.name)["profiles"])


def there_and_back(text: str) -> tuple[bytes, bytes]:
    before = text.encode("utf-8", "surrogateescape")
    after = pointing.pointed(before, {"p": COMMAND})
    return after, pointing.undone(after, ["p"])


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("not there", "nothing")])
def test_taken_back_it_is_the_same_bytes(name: str) -> None:
    after, back = there_and_back(FILES[name])
    assert back == FILES[name].encode("utf-8", "surrogateescape")
    assert after != back


@pytest.mark.parametrize("name", [name for name in FILES if "no text" not in name])
def test_what_sdks_and_keyturn_make_of_it(name: str) -> None:
    after, _ = there_and_back(FILES[name])
    before, now = read(FILES[name].encode()), read(after)
    assert now["p"]["credential_process"] == COMMAND
    assert not {*delegation.MOVED} - {"credential_process"} & {*now["p"]}
    assert dict(delegation.restored("p", now["p"])) == before.get("p", {})
    assert {k: v for k, v in now.items() if k != "p"} == {k: v for k, v in before.items() if k != "p"}


SECTIONS = ("[profile p]", "[profile q]", "[default]", "[sso-session p]")
KEYS = ("role_arn = a", "ROLE_ARN=b", "region : r", "source_profile = q", "sso_session = x")
ODD = ("credential_process = y", "s3 =", "  nested = 1", "\trole_arn = n", "keyturn_region = x")
EMPTY = ("", "   ", "# role_arn = c", ";", "  ")
words = st.sampled_from([*SECTIONS, *KEYS, *ODD, *EMPTY])


@given(lines=st.lists(words, max_size=14), ending=st.sampled_from(["\n", "\r\n"]), is_ended=st.booleans())
def test_any_file_stays_what_it_is_else(lines: list[str], ending: str, is_ended: bool) -> None:
    text = ending.join(["[profile p]", *lines]) + (ending if is_ended else "")
    try:
        before = read(text.encode())
        after, back = there_and_back(text)
    except (ConfigParseError, ConfigurationError):
        # botocore cannot read it, or there are two sections.
        return
    assert back == text.encode()
    now = read(after)
    assert now["p"]["credential_process"] == COMMAND
    assert dict(delegation.restored("p", now["p"])) == before["p"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "config"


def test_the_file_keeps_its_mode_and_its_link(place: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text(FILES["a role"])
    real.chmod(0o640)
    place.symlink_to(real)
    pointing.point(place, {"p": COMMAND, "s": COMMAND.replace("p", "s")}, os.getuid())
    assert place.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    pointing.undo(place, ["p", "s"], os.getuid())
    assert real.read_text() == FILES["a role"]


def test_a_file_that_is_not_there_is_made(place: Path) -> None:
    pointing.point(place, {"p": COMMAND, "default": COMMAND}, os.getuid())
    assert set(parse_file(str(place), "config").profiles) == {"p", "default"}


def test_what_would_change_more_is_left_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_text(FILES["a role"])
    monkeypatch.setattr(pointing, "pointed", lambda before, commands: before + b"[profile more]\n")
    with pytest.raises(ConfigurationError, match="without changing more"):
        pointing.point(place, {"p": COMMAND}, os.getuid())
    assert place.read_text() == FILES["a role"]


@pytest.mark.parametrize(
    ("config", "credentials", "line"),
    [
        ("[profile p]\n", "[p]\naws_access_key_id = AKIA\n", "has plaintext keys in"),
        ("[profile p]\naws_secret_access_key = x\n", "", "has plaintext keys in"),
        ("[profile p]\n", "[p]\nrole_arn = x\n", "says in"),
        ("[profile p]\nlogin_session = x\n", "", "signs in through `aws login`"),
    ],
)
def test_a_profile_that_sdks_would_not_ask_keyturn_for(
    config: str, credentials: str, line: str, home: Path
) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(config)
    (home / ".aws/credentials").write_text(credentials)
    configuration = ConfigurationCache().load({"HOME": str(home)}, str(home))
    own = parse_file(str(home / ".aws/config"), "config").profiles["p"]
    with pytest.raises(ConfigurationError, match=line) as caught:
        pointing.check("p", own, configuration)
    assert "AKIA" not in caught.value.message
