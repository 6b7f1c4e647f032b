"""New items of a credential type: asked for, or with the key that a command prints."""

import json
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import User
from tests.programs.vault import Vault

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PRINTED = json.dumps(
    {
        "AccessKey": {
            "UserName": "ada",
            "AccessKeyId": KEY_ID,
            "Status": "Active",
            "SecretAccessKey": SECRET,
            "CreateDate": "2026-01-31T12:00:00+00:00",
        }
    },
    indent=4,
)
SEED = "JBSWY3DPEHPK3PXP"


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with User() as user:
        yield Vault(user)


def test_a_key_from_a_pipe(vault: Vault) -> None:
    name = vault.item("create", "--from", "-", stdin=PRINTED).succeeds().output.strip()
    assert vault.fields(name) == {
        "access key id": ("STRING", KEY_ID),
        "secret access key": ("CONCEALED", SECRET),
    }
    found = vault.json("get", name)
    assert (found["title"], found["tags"]) == ("AWS ada", ["keyturn/aws/access-key"])
    more = ("--title", "with more", "default region=eu-central-1", "mfa serial=arn:aws:iam::1:mfa/ada")
    pair = f"{KEY_ID}\n{SECRET}\n"
    other = vault.item("create", "--from", "-", *more, stdin=pair).succeeds().output.strip()
    assert vault.fields(other) == {
        "access key id": ("STRING", KEY_ID),
        "secret access key": ("CONCEALED", SECRET),
        "default region": ("STRING", "eu-central-1"),
        "mfa serial": ("STRING", "arn:aws:iam::1:mfa/ada"),
    }
    assert not [path for path in vault.user.home.rglob("*") if path.is_file() and holds(path.read_bytes())]


def holds(content: bytes) -> bool:
    return SECRET.encode() in content


@pytest.mark.parametrize(
    ("stdin", "arguments", "said"),
    [
        ("", (), "nothing on standard input"),
        (PRINTED.replace(KEY_ID, "ASIA" + KEY_ID[4:]), (), "temporary key"),
        (PRINTED, ("access key id[text]=x",), "two values for one field"),
        (PRINTED, ("x=-",), "standard input is one thing"),
        (KEY_ID, ("--title", "x"), "1 key ids (AKIA…) and 0 secret keys"),
        (f"{KEY_ID} {SECRET}", (), "the title is missing"),
    ],
)
def test_what_is_refused_from_a_pipe(vault: Vault, stdin: str, arguments: tuple[str, ...], said: str) -> None:
    before = vault.json("list")
    failed = vault.item("create", "--from", "-", *arguments, stdin=stdin).fails(Status.USAGE, said)
    assert not holds(failed.errors.encode())
    assert vault.json("list") == before


def test_types_come_from_the_credential(vault: Vault) -> None:
    (vault.user.home / "seed").write_text(SEED + "\n")
    name = vault.create("typed", "--tag", "keyturn/aws/access-key", "access key id=" + KEY_ID)
    vault.item("edit", name, "MFA_serial=arn:aws:iam::1:mfa/ada", "one-time password=@seed").succeeds()
    assert vault.fields(name) == {
        "access key id": ("STRING", KEY_ID),
        "MFA_serial": ("STRING", "arn:aws:iam::1:mfa/ada"),
        "one-time password": ("OTP", SEED),
    }
    vault.item("edit", name, "secret access key=x").fails(Status.USAGE, "would stand in an argument")
    # What was hidden for want of a better type is a one-time password from now on.
    other = vault.create("hidden", "--tag", "keyturn/aws/access-key", "one-time password[concealed]=@seed")
    vault.item("edit", other, "one-time password=@seed").succeeds()
    assert vault.fields(other) == {"one-time password": ("OTP", SEED)}


def test_a_field_is_retyped_and_keeps_its_value(vault: Vault) -> None:
    name = vault.create("retyped", "seed=-", "user[text]=ada", stdin=SEED)
    vault.item("edit", name, "SEED[otp]", "user[concealed]").succeeds()
    assert vault.fields(name) == {"seed": ("OTP", SEED), "user": ("CONCEALED", "ada")}
    # The type that it has: a new value is asked for, as without a type.
    vault.item("edit", name, "seed[otp]").fails(Status.USAGE, "the value of “seed” is missing")
    vault.item("edit", name, "user[nonsense]").fails(Status.USAGE, "no field type is called nonsense")


def test_a_template_without_a_terminal(vault: Vault) -> None:
    words = ("--type", "aws/access-key", "--title", "by flags")
    vault.item("create", *words).fails(Status.USAGE, "the access key id is missing")
    vault.item("create", *words, "access key id=" + KEY_ID).fails(Status.USAGE, "the secret access key is")
    name = vault.create("by flags", *words[:2], "access key id=" + KEY_ID, "secret access key=-", stdin="s")
    assert vault.json("get", name)["tags"] == ["keyturn/aws/access-key"]
    for kind in ("nonsense", "aws/nonsense", ""):
        vault.item("create", "--title", "x", "--type", kind or "/").fails(
            Status.USAGE, "no credential type is called"
        )


QUESTIONS = (
    ("title of the new item [AWS]:", "asked for"),
    ("access key id:", KEY_ID),
    ("secret access key:", SECRET),
    ("default region (Enter: none):", ""),
    ("one-time password (Enter: none):", "nonsense!"),
    ("one-time password (Enter: none):", SEED),
    ("mfa serial (Enter: none):", "arn:aws:iam::1:mfa/ada"),
)


def test_a_template_asks(vault: Vault) -> None:
    terminal = vault.user.terminal()
    terminal.type("keyturn item create --type aws")
    for question, answer in QUESTIONS:
        terminal.answer(question, answer)
    name = terminal.ready().strip()[-26:]
    assert terminal.status() == 0
    assert vault.fields(name) == {
        "access key id": ("STRING", KEY_ID),
        "secret access key": ("CONCEALED", SECRET),
        "one-time password": ("OTP", SEED),
        "mfa serial": ("STRING", "arn:aws:iam::1:mfa/ada"),
    }
    assert not holds("\n".join(terminal.screen()).encode())
    assert SEED not in "\n".join(terminal.screen())
    assert vault.json("get", name)["title"] == "asked for"


def test_ctrl_c_at_each_question_changes_nothing(vault: Vault) -> None:
    before = vault.json("list")
    terminal = vault.user.terminal()
    for count in range(len(QUESTIONS)):
        terminal.type("keyturn item create --type aws")
        for question, answer in QUESTIONS[:count]:
            terminal.answer(question, answer)
        terminal.expect(QUESTIONS[count][0].replace("[", r"\[").replace("(", r"\(").replace(")", r"\)"))
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
    assert vault.json("list") == before
