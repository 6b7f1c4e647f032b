"""What is said of an item whose fields for MFA have other titles, and of plaintext that lies about."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyturn.aws.mfa import Amiss, diagnose
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from tests.aws.world import OWN, SELECTED, A, B, Caller, item, role_arn

CODE = "otpauth://totp/x?secret=CANARYEXAMPLE"


def with_fields(*fields: tuple[str, FieldType, str]) -> Item:
    """An item with keys and these fields."""
    made = item("selected")
    more = [new_field(label, kind, Secret(value)) for label, kind, value in fields]
    return new_item("Work", [*made.fields, *more], "2026-01-01T00:00:00Z")


TEXT, OTP, CONCEALED = FieldType.TEXT, FieldType.OTP, FieldType.CONCEALED

# A field's label, type and value → the label that is looked for; "" where nothing is amiss.
TITLES = [
    ("mfa_arn", TEXT, A, "mfa serial"),
    ("MFA device", TEXT, A, "mfa serial"),
    ("MFA Device ARN", TEXT, A, "mfa serial"),
    ("mfa-serial-number", TEXT, "GAHT12345678", "mfa serial"),
    ("aws mfa arn", TEXT, A, "mfa serial"),
    ("mfa serail", TEXT, "GAHT12345678", "mfa serial"),
    ("whatever", TEXT, A, "mfa serial"),
    ("MFA", TEXT, A, "mfa serial"),
    ("otp", CONCEALED, "CANARYEXAMPLE", "one-time password"),
    ("MFA", CONCEALED, "CANARYEXAMPLE", "one-time password"),
    ("TOTP secret", CONCEALED, "CANARYEXAMPLE", "one-time password"),
    ("one-time pasword", CONCEALED, "CANARYEXAMPLE", "one-time password"),
    ("anything", OTP, CODE, "one-time password"),
    ("MFA device", OTP, CODE, "one-time password"),
    ("anything", TEXT, CODE, "one-time password"),
    ("notes", TEXT, "remember the milk", ""),
    ("default region", TEXT, "eu-west-1", ""),
    ("password", CONCEALED, "x", ""),
    ("username", TEXT, "me", ""),
    ("account", TEXT, "111122223333", ""),
    ("role", TEXT, role_arn("x"), ""),
    ("mfa_arn", TEXT, "", ""),
]


@pytest.mark.parametrize(("label", "kind", "value", "wanted"), TITLES)
def test_near_misses(label: str, kind: FieldType, value: str, wanted: str) -> None:
    made = with_fields((label, kind, value))
    found = diagnose(made)
    if not wanted:
        assert found == ()
        return
    (finding,) = found
    assert finding.kind is Amiss.TITLE
    command = f"keyturn item edit {made.id} --rename '{label}={wanted}'"
    assert finding.line == f"item “Work” has “{label}”, and “{wanted}” is what is looked for: {command}"


def test_both_mistitled_are_two_lines() -> None:
    made = with_fields(("mfa_arn", TEXT, A), ("MFA device", TEXT, B), ("code", OTP, CODE))
    assert [finding.line.split("”")[1].split("“")[1] for finding in diagnose(made)] == ["mfa_arn", "code"]


def test_an_empty_field_of_the_right_title_is_in_the_way() -> None:
    made = with_fields(("MFA serial", TEXT, ""), ("mfa_arn", TEXT, A))
    (finding,) = diagnose(made)
    assert finding.line.endswith(
        f"keyturn item edit {made.id} --remove 'MFA serial' --rename 'mfa_arn=mfa serial'"
    )


def test_one_of_the_two_is_missing() -> None:
    (finding,) = diagnose(made := with_fields(("one-time password", OTP, CODE)))
    assert finding.kind is Amiss.NO_SERIAL
    assert finding.line.endswith(f"add it: keyturn item edit {made.id} 'mfa serial=arn:aws:iam::…'")
    (finding,) = diagnose(made := with_fields(("mfa serial", TEXT, A)))
    assert finding.kind is Amiss.NO_CODE
    assert finding.line.endswith(f"add it: keyturn item edit {made.id} 'one-time password[otp]'")


def test_nothing_is_amiss_with_both_or_none() -> None:
    assert diagnose(with_fields()) == ()
    assert diagnose(with_fields(("MFA_Serial", TEXT, A), ("One Time-Password", OTP, CODE))) == ()
    # Beside the right ones, others are nobody's business.
    assert (
        diagnose(with_fields(("mfa serial", TEXT, A), ("one-time password", OTP, CODE), ("otp", OTP, CODE)))
        == ()
    )


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "has a “one-time password” but no “mfa serial”"),
        (f"[default]\nmfa_serial = {A}\n", ""),
    ],
)
def test_a_code_without_a_serial_is_said_where_no_profile_has_one(config: str, said: str, home: Path) -> None:
    found = Caller(home, with_fields(("one-time password", OTP, CODE)))
    found.write(config)
    notes = found.plan().notes
    assert ([said in note for note in notes] == [True]) if said else notes == ()
    assert len(found.plan().calls) == (0 if said else 1)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "has an “mfa serial” but no “one-time password”"),
        (f"[default]\nmfa_serial = {B}\n", ""),
        ("[default]\nmfa_process = x\n", ""),
    ],
)
def test_a_serial_without_a_code_is_news_where_a_code_is_typed(config: str, said: str, home: Path) -> None:
    """Not a note of each use: a code on a phone is as good a set-up."""
    found = Caller(home, made := with_fields(("mfa serial", TEXT, A)))
    found.write(config)
    planned = found.plan()
    assert planned.notes == ()
    assert list(planned.news) == ([f"aws-typing-{made.id}"] if said else [])
    assert all(said in line for line in planned.news.values())


def test_a_near_miss_is_said_on_use_and_the_field_is_not_used(home: Path) -> None:
    """It is said each time, for what runs without its MFA is not what somebody set up."""
    found = Caller(home, with_fields(("mfa_arn", TEXT, A), ("one-time password", OTP, CODE)))
    planned = found.plan()
    assert planned.calls == ()
    (note,) = planned.notes
    assert "--rename 'mfa_arn=mfa serial'" in note
    assert "CANARY" not in "".join((*planned.notes, *planned.reasons, repr(planned)))


def test_news_of_plaintext(home: Path) -> None:
    """Told once by its key: that changes with the keys, and does not tell them."""
    file = home / ".aws/credentials"
    found = Caller(home, item("selected"))
    found.write("", f"[default]\n{OWN}")
    ((key, line),) = found.run().news.items()
    assert line == (
        f"profile “default” has other keys in {file}; item “selected” is used;"
        " to import them: keyturn plugin init aws --import-profile default"
    )
    assert "AKIAOWN" not in key + line
    assert found.run().news == {key: line}
    found.write("", f"[default]\n{OWN.replace('OWN', 'NEW')}")
    ((other, _),) = found.run().news.items()
    assert other != key
    found.write("", f"[default]\n{SELECTED}")
    assert found.run().news == {}
    assert found.run().notes == ()


def test_news_of_other_profiles_are_one_line(home: Path) -> None:
    found = Caller(home, item("selected"), {"bound": item("bound")})
    crowd = "".join(f"[my {number}]\n{OWN.replace('OWN', str(number))}" for number in range(3))
    quiet = f"[bound]\n{OWN}[same]\n{SELECTED}[short]\n{OWN}aws_session_token = t\n"
    quiet += "[half]\naws_access_key_id = x\n"
    found.write("", crowd + quiet)
    ((key, line),) = found.run().news.items()
    assert line == (
        f"plaintext keys of profiles “my 0”, “my 1”, “my 2” are in {home}/.aws/credentials;"
        " to import them: keyturn plugin init aws --import-profile 'my 0' --profile 'my 0'"
    )
    found.write("", crowd + quiet + f"[my 3]\n{OWN}")
    ((other, line),) = found.run().news.items()
    assert other != key
    assert "“my 0”, “my 1”, “my 2” and 1 more are in" in line
    # The order of the file is nothing new.
    found.write("", f"[my 3]\n{OWN}" + crowd + quiet)
    assert list(found.run().news) == [other]


def test_news_of_the_item_that_a_profile_is_bound_to(home: Path) -> None:
    found = Caller(home, None, {"dev": item("bound")})
    found.write(f"[profile dev]\n{OWN}[profile r]\nrole_arn = {role_arn('r')}\nsource_profile = dev\n")
    (line,) = found.run("--profile dev s3 ls").news.values()
    assert line.startswith("profile “dev” has other keys in ")
    assert line.endswith("--import-profile dev --profile dev")


def test_no_news_beside_the_note_about_plaintext_in_use(home: Path) -> None:
    found = Caller(home)
    found.write("", f"[default]\n{OWN}[other]\n{SELECTED}")
    done = found.run()
    assert done.news == {}
    assert len(done.notes) == 1
