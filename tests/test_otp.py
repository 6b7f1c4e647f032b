"""One-time codes: the RFCs' vectors, what people paste, and what is refused without being shown."""

import base64
import traceback
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from hypothesis import given
from hypothesis import strategies as st

from keyturn import otp
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.otp import OneTimePassword

# RFC 4226, appendix D: the counters 0 to 9.
RFC_4226 = [
    "755224",
    "287082",
    "359152",
    "969429",
    "338314",
    "254676",
    "287922",
    "162583",
    "399871",
    "520489",
]
# RFC 6238, appendix B: eight digits, by time and algorithm. The seeds are as long as each hash.
RFC_6238 = {
    59: ("94287082", "46119246", "90693936"),
    1111111109: ("07081804", "68084774", "25091201"),
    1111111111: ("14050471", "67062674", "99943326"),
    1234567890: ("89005924", "91819424", "93441116"),
    2000000000: ("69279037", "90698825", "38618901"),
    20000000000: ("65353130", "77737706", "47863826"),
}
SEED = b"12345678901234567890"
SEEDS = {"SHA1": SEED, "SHA256": (SEED * 2)[:32], "SHA512": (SEED * 4)[:64]}
# Eighty bits, as real services issue them.
SHORT = "JBSWY3DPEHPK3PXP"


def base32(key: bytes) -> str:
    return base64.b32encode(key).decode()


def independent(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), 6, SHA1(), 30, enforce_key_length=False)


def parse(text: str) -> OneTimePassword:
    return otp.parse(Secret(text))


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("counter", "code"), list(enumerate(RFC_4226)))
def test_the_codes_of_rfc_4226(counter: int, code: str) -> None:
    assert parse(base32(SEED)).code(counter).reveal() == code


@pytest.mark.parametrize("seconds", list(RFC_6238))
@pytest.mark.parametrize(("place", "algorithm"), list(enumerate(SEEDS)))
def test_the_codes_of_rfc_6238(seconds: int, place: int, algorithm: str) -> None:
    secret = base32(SEEDS[algorithm])
    password = parse(f"otpauth://totp/A:b?secret={secret}&algorithm={algorithm}&digits=8&period=30&issuer=A")
    assert password.code(password.step(at(seconds))).reveal() == RFC_6238[seconds][place]


def test_a_secret_of_eighty_bits_is_taken() -> None:
    assert parse(SHORT).code(parse(SHORT).step(at(1))).reveal() == independent(SHORT).generate(1).decode()


@given(key=st.binary(min_size=5, max_size=80), seconds=st.integers(0, 10**11))
def test_codes_are_those_of_another_implementation(key: bytes, seconds: int) -> None:
    secret = base32(key)
    password = parse(secret)
    assert (
        password.code(password.step(at(seconds))).reveal() == independent(secret).generate(seconds).decode()
    )


@pytest.mark.parametrize(
    "written",
    [
        SHORT.lower(),
        "jbsw y3dp ehpk 3pxp",
        "JBSW-Y3DP-EHPK-3PXP\n",
        "\tJBSWY3DPEHPK3PXP====",
        f"otpauth://totp/AWS:ada@123?secret={SHORT}&issuer=AWS",
        f"OTPAUTH://TOTP/x?SECRET={SHORT.lower()}",
        f"otpauth://totp/?secret={quote('jbsw y3dp ehpk 3pxp')}&digits=6&algorithm=sha1&period=30",
        "otpauth://totp/a?secret=JBSW+Y3DP+EHPK+3PXP&algorithm=HmacSHA1",
    ],
)
def test_what_people_paste_means_the_same(written: str) -> None:
    assert parse(written) == parse(SHORT)


def test_digits_and_period_come_from_the_uri() -> None:
    password = parse(f"otpauth://totp/a?secret={SHORT}&digits=7&period=60")
    assert (password.digits, password.period) == (7, 60)
    assert password.step(at(119)) == 1
    assert len(password.code(0).reveal()) == 7


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "its secret is empty"),
        ("====", "its secret is empty"),
        ("otpauth://totp/a", "its secret is empty"),
        ("otpauth://totp/a?secret=", "its secret is empty"),
        ("CANARY1", "not base32"),
        ("JBSWY3DPEHPK3PX8", "not base32"),
        ("JBSWY3DPE", "not base32"),  # no base32 text is nine letters long
        ("JBSWY3DPÉHPK3PXP", "not base32"),
        ("234567", "it is a code"),
        ("otpauth://totp/a?secret=23456723", "it is a code"),
        ("ABCDEFG", "too short"),
        (f"otpauth://hotp/a?secret={SHORT}&counter=0", "counts its codes"),
        (f"otpauth://steam/a?secret={SHORT}", "not of the kind totp"),
        (f"https://example.com/?secret={SHORT}", "neither an otpauth:// URI nor a base32 secret"),
        ("arn:aws:iam::123456789012:mfa/ada", "neither an otpauth:// URI nor a base32 secret"),
        ("otpauth://[totp/a?secret=JBSWY3DPEHPK3PXP", "not a URI"),
        (f"otpauth://totp/a?secret={SHORT}&secret={SHORT}", "secret twice"),
        (f"otpauth://totp/a?secret={SHORT}&algorithm=MD5", "its algorithm"),
        (f"otpauth://totp/a?secret={SHORT}&digits=5", "its digits"),
        (f"otpauth://totp/a?secret={SHORT}&digits=9", "its digits"),
        (f"otpauth://totp/a?secret={SHORT}&digits=six", "its digits"),
        (f"otpauth://totp/a?secret={SHORT}&digits=٦", "its digits"),
        (f"otpauth://totp/a?secret={SHORT}&period=0", "its period"),
        (f"otpauth://totp/a?secret={SHORT}&period=", "its period"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_shown(written: str, why: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(written)
    assert why in caught.value.message
    shown = "".join(traceback.format_exception(caught.value)) + " ".join(caught.value.hints)
    for secret in (SHORT, "CANARY1", "JBSWY3DPE", "234567", "ABCDEFG"):
        assert secret not in shown.replace("test_otp.py", "")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_nothing_shows_the_key() -> None:
    assert SHORT not in repr(parse(SHORT))
    assert repr(base64.b32decode(SHORT)) not in repr(parse(SHORT))
    assert "282760" not in f"{parse(SHORT).code(0)!r} {parse(SHORT).code(0)}"


@given(
    key=st.binary(min_size=5, max_size=80),
    algorithm=st.sampled_from(["SHA1", "SHA256", "SHA512"]),
    digits=st.integers(6, 8),
    period=st.integers(1, 86400),
    group=st.integers(1, 9),
    lower=st.booleans(),
    label=st.text(max_size=20),
)
def test_a_uri_means_what_was_written_into_it(
    key: bytes, algorithm: str, digits: int, period: int, group: int, lower: bool, label: str
) -> None:
    plain = base32(key).rstrip("=")
    grouped = " ".join(plain[start : start + group] for start in range(0, len(plain), group))
    written = grouped.lower() if lower else grouped
    uri = f"otpauth://totp/{quote(label, safe='')}?secret={quote(written)}"
    found = parse(f"{uri}&algorithm={algorithm}&digits={digits}&period={period}")
    assert found == OneTimePassword(key, algorithm.lower(), digits, period)
    assert parse(written) == OneTimePassword(key)


@given(text=st.text(max_size=60) | st.text("otpauth:/?=&secrtdigpo%23 ABCDEFGH", max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        password = parse(text)
    except ConfigurationError:
        return
    assert len(password.code(password.step(at(10**9))).reveal()) == password.digits


@given(step=st.integers(0, 10**12), digits=st.integers(6, 8))
def test_a_code_always_has_its_digits(step: int, digits: int) -> None:
    code = OneTimePassword(SEED, digits=digits).code(step).reveal()
    assert len(code) == digits
    assert code.isdigit()
