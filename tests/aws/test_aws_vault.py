"""aws-vault's entries and encrypted files: one of its own making, and many that are not right."""

import json
import traceback
from typing import Any

import pytest

from keyturn.aws import aws_vault, jwe
from keyturn.aws.aws_vault import VaultKey
from keyturn.ground.errors import DamagedError, DeniedError, KeyturnError
from keyturn.ground.secret import Secret
from tests.aws.aws_vault_files import encrypted, entry, part

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PASSPHRASE = "a passphrase EXAMPLE é"
# Written by `aws-vault add ada`, version 7.2.0, with the store `file` and this passphrase.
ITS_OWN = (
    b"eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJjcmVhdGVkIjoiMjAyNi0xMS0yMiAwNjoxNjoyMC45NTQ1MTI0MTkgKzA"
    b"wMDAgVVRDIG09KzAuMDAxNzM5Mzc1IiwiZW5jIjoiQTI1NkdDTSIsInAyYyI6ODE5MiwicDJzIjoiaGo5WkNsc3Y0UFFsT2"
    b"ttNCJ9.pP-Afrxg5VwXNp_74MnRmKFkAtdQEAaGURIItPKwa7UC8fuXAz0u3A.XqKSRqc8SWN7b0zY.8EO71k30V2sYBn1_"
    b"iMPVkHEclgd4xBrLT54kCqEwZRI0020Orp75MM2mNf5bgJHMI0H_lAigJnLBtlmAwxrm-CHkfUsMHRUN-VnU8YDNSAnmZ5H"
    b"xcS9p3WqEsoTYriaqbqzEqZaW17aMGHhLiJ9_BTXBFHpOrSPoQNeR_Gakj7cQyZf9G4TdjU2TbLR-o7fETYkczYg-vwgciE"
    b"srAACZqdkVEo2PzM_f7Ew8-K6scLTtyLckO3SfG9t1sJAWt3hZutPFj-tXSku2l5XLWmeOErj1MjKM110y66pccL_LETZZA"
    b"TgumovqMnynROKNgJDmz3b8HkPVb7s_dOn8-YWLK3Tq0KajKKOk5bRN-34UJrpxfvZa8K_ytfIRfBoyuCUYdt1eNNI-wO_f"
    b"unz6ZF2qF2yfQdDxG3vErj4s0QeZ_UIRg0zk7ZC2k6rhxKTOWHGaAkklTF7eT_teGluaWDJRpg1SVnXKx4ooX9G9OE0B-2k"
    b"KDGxd85Fj.CKqcdPQayGTbCGgVJT4b7g"
)


def test_a_file_of_aws_vaults_own_making() -> None:
    content = Secret(jwe.decrypt(ITS_OWN, Secret(PASSPHRASE)).decode())
    assert aws_vault.parse("ada", content) == VaultKey("ada", KEY_ID, Secret(SECRET))
    with pytest.raises(DeniedError, match="does not open"):
        jwe.decrypt(ITS_OWN, Secret("another one EXAMPLE"))


def test_what_is_written_from_the_standard_is_read() -> None:
    content = entry("ada", KEY_ID, SECRET)
    assert jwe.decrypt(encrypted(content, PASSPHRASE) + b"\n", Secret(PASSPHRASE)) == content


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"alg": "dir"}, "another way"),
        ({"enc": "A128GCM"}, "another way"),
        ({"zip": "DEF"}, "another way"),
        ({"crit": ["exp"]}, "another way"),
        ({"p2c": 999}, "out of bounds"),
        ({"p2c": 1_000_001}, "out of bounds"),
        ({"p2c": "8192"}, "no file"),
        ({"p2s": None}, "no file"),
        ({"p2s": "!"}, "no file"),
    ],
)
def test_other_headers_are_refused(header: dict[str, Any], why: str) -> None:
    with pytest.raises(DamagedError, match=why):
        jwe.decrypt(encrypted(entry("ada", KEY_ID, SECRET), PASSPHRASE, **header), Secret(PASSPHRASE))


def test_no_changed_byte_is_taken() -> None:
    token = encrypted(entry("ada", KEY_ID, SECRET), PASSPHRASE)
    ends = [at for at, byte in enumerate(token) if byte == ord(".")] + [len(token)]
    # Not the last letter of a part: some of its bits stand for nothing.
    for at in [end - 3 for end in ends]:
        changed = token[:at] + (b"A" if token[at : at + 1] != b"A" else b"B") + token[at + 1 :]
        with pytest.raises((DamagedError, DeniedError)):
            jwe.decrypt(changed, Secret(PASSPHRASE))
    for cut in (b"", token[:40], token[: ends[3]], token + b".x", b"\xff\xfe" + token):
        with pytest.raises(DamagedError):
            jwe.decrypt(cut, Secret(PASSPHRASE))


def test_a_content_key_of_another_length_is_refused() -> None:
    parts = encrypted(b"{}", PASSPHRASE).split(b".")
    parts[2] = part(b"short").encode()
    with pytest.raises(DamagedError, match="no file"):
        jwe.decrypt(b".".join(parts), Secret(PASSPHRASE))


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (entry("ada", KEY_ID, SECRET, token="token EXAMPLE").decode(), "temporary"),
        (entry("ada", KEY_ID, "").decode(), "no whole key"),
        (json.dumps({"Key": "ada", "Data": "!" + SECRET}), "no entry"),
        (json.dumps({"Key": "ada"}), "no entry"),
        (f'{{"Data": "{SECRET}', "no entry"),
        (json.dumps({"Data": part(f'["{SECRET}"]'.encode())}), "no entry"),
        ("[" * 100_000 + SECRET, "no entry"),
    ],
)
def test_entries_that_are_none(written: str, why: str) -> None:
    with pytest.raises(DamagedError, match=why) as caught:
        aws_vault.parse("ada", Secret(written))
    assert SECRET not in whole(caught.value)


def whole(error: KeyturnError) -> str:
    """An error with all that led to it."""
    return "".join(traceback.format_exception(error)) + repr(vars(error))


@pytest.mark.parametrize(
    ("name", "is_profile"),
    [
        ("ada", True),
        ("work/prod two", True),
        ("a,b", True),
        ("sts.GetSessionToken,YWRh,YXJu,1770000000", False),
        ("sso.GetRoleCredentials,YWRh,,1770000000", False),
        ("session,YWRh,,1770000000", False),
        ("session:ada:arn:1770000000", False),
        ("ada session (1770000000)", False),
        ("oidc:https://example.awsapps.com/start", False),
        ("", False),
    ],
)
def test_what_ends_by_itself_is_told_by_its_name(name: str, is_profile: bool) -> None:
    assert aws_vault.is_profile(name) == is_profile


def test_names_of_files() -> None:
    assert aws_vault.profile_of_file("work%2Fprod two") == "work/prod two"
