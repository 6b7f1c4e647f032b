"""One-time codes of items, and QR codes from pictures and from the screen."""

import re
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from keyturn import otp
from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import Status
from keyturn.ground.secret import Secret
from tests.agent.display import Display
from tests.parts import needs
from tests.programs.pictures import picture
from tests.programs.planted import wait_for
from tests.programs.user import Result, User
from tests.programs.vault import Vault

SEED = "JBSWY3DPEHPK3PXP"
URI = f"otpauth://totp/AWS:ada?secret={SEED}&issuer=AWS&period=60&digits=8&algorithm=SHA256"


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with User() as user:
        yield Vault(user)


def codes(text: str, moments: tuple[datetime, datetime], following: int = 0) -> set[str]:
    """The codes that could be meant between two moments."""
    generator = otp.parse(Secret(text))
    steps = {generator.step(moment) + following for moment in moments}
    return {generator.code(step).reveal() for step in steps}


@pytest.mark.parametrize("text", [SEED, URI])
def test_codes(vault: Vault, text: str) -> None:
    name = vault.create("codes", "one-time password[otp]=-", stdin=text)
    clock, before = SystemClock(), SystemClock().now()
    done = vault.item("get", name, "--otp").succeeds()
    assert done.output.strip() in codes(text, (before, clock.now()))
    assert done.errors == ""
    before = clock.now()
    both = vault.item("get", name, "--otp", "--next").succeeds().output.splitlines()
    assert len(both) == 2
    for number, line in enumerate(both):
        assert line.split()[0] in codes(text, (before, clock.now()), number)
    pattern = r"\d+  valid now, until in (\d+) s\n\d+  valid in (\d+) s, until in (\d+) s"
    found = re.fullmatch(pattern, "\n".join(both))
    assert found
    ends, begins, last = map(int, found.groups())
    period = otp.parse(Secret(text)).period
    assert abs(begins - ends) <= 1
    assert abs(last - begins - period) <= 1
    assert 0 <= ends <= period
    shown = vault.json("get", name, "--otp", "--next")
    assert [sorted(each) for each in shown] == [["code", "valid_for", "valid_in"]] * 2
    assert shown[0]["valid_in"] == 0
    assert abs(shown[1]["valid_in"] - shown[0]["valid_for"]) < 0.11
    vault.item("delete", name).succeeds()


def test_which_one_time_password(vault: Vault) -> None:
    vault.create("none", "user[text]=ada")
    failed = vault.item("get", "none", "--otp").fails(Status.MISSING, "no one-time password")
    assert "--otp-qr" in failed.errors
    (vault.user.home / "seed").write_text(SEED)
    vault.create("two", "a[otp]=@seed", "b[otp]=@seed")
    vault.item("get", "two", "--otp").fails(Status.USAGE, "has 2 one-time passwords: “a”, “b”")
    assert len(vault.item("get", "two", "--otp", "--field", "B").succeeds().output) == 7
    vault.item("get", "two", "--next").fails(Status.USAGE, "--next goes with --otp")
    vault.item("get", "two", "--otp", "--version", "1").fails(Status.USAGE, "--otp is of the item")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("123456", "it is a code"),
        ("otpauth://hotp/x?secret=" + SEED, "counts its codes"),
    ],
)
def test_what_makes_no_codes_is_not_saved(vault: Vault, text: str, said: str) -> None:
    before = vault.json("list")
    failed = vault.item("create", "--title", "x", "seed[otp]=-", stdin=text)
    assert text not in failed.fails(Status.CONFIGURATION, said).errors
    name = vault.create("kept", "seed=-", stdin=text)
    vault.item("edit", name, "seed[otp]").fails(Status.CONFIGURATION, said)
    assert vault.fields(name)["seed"] == ("CONCEALED", text)
    vault.item("delete", name, "--permanently", "--yes").succeeds()
    assert vault.json("list") == before


@pytest.mark.parametrize("suffix", ["jpg", "gif", "bmp", "webp"])
def test_a_qr_code_in_a_picture(vault: Vault, suffix: str) -> None:
    file = picture(vault.user.home / f"code.{suffix}", URI)
    name = vault.create(f"from {suffix}", "--otp-qr", file)
    assert vault.fields(name) == {"one-time password": ("OTP", URI)}


def test_a_qr_code_is_added_to_an_item(vault: Vault) -> None:
    file = picture(vault.user.home / "code.png", URI)
    name = vault.create("to add to", "user[text]=ada")
    assert vault.item("edit", name, "--otp-qr", file).succeeds().output == ""
    assert vault.fields(name)["one-time password"] == ("OTP", URI)
    # The item's own one, whatever it is called.
    other = vault.create("own label", "second factor[otp]=-", stdin=SEED)
    vault.item("edit", other, "--otp-qr", file).succeeds()
    twice = vault.item("edit", other, "--otp-qr", file, "Second_Factor=@code.png", "x[text]=y")
    twice.fails(Status.USAGE, "is not UTF-8 text")
    (vault.user.home / "seed").write_text(SEED)
    twice = vault.item("edit", other, "--otp-qr", file, "Second_Factor=@seed")
    twice.fails(Status.USAGE, "two values for one field")
    assert vault.fields(other) == {"second factor": ("OTP", URI)}


def test_pictures_that_are_refused(vault: Vault) -> None:
    home = vault.user.home
    (home / "text.png").write_text("no picture EXAMPLE")
    picture(home / "whole.png", URI)
    content = (home / "whole.png").read_bytes()
    (home / "half.png").write_bytes(content[: len(content) // 2])
    # Small as a file, and a header that promises more pixels than anybody has.
    Image.new("1", (9000, 9000)).save(home / "large.png")
    huge = bytearray(content)
    huge[16:24] = (60000).to_bytes(4, "big") * 2
    (home / "huge.png").write_bytes(huge)
    cases = [
        (picture(home / "none.png"), "no QR code of a one-time password"),
        (picture(home / "page.png", "https://example.com"), "no QR code of a one-time password"),
        (picture(home / "two.png", URI, URI.replace("ada", "bob")), "2 QR codes are in two.png"),
        ("text.png", "there is no picture in text.png"),
        ("half.png", "there is no picture in half.png"),
        ("huge.png", "there is no picture in huge.png"),
        ("large.png", "the picture in large.png is too large"),
        ("missing.png", "cannot read missing.png"),
        ("/dev/zero", "is larger than"),
    ]
    for file, said in cases:
        failed = vault.item("create", "--title", "x", "--otp-qr", file).fails(Status.USAGE, said)
        assert SEED not in failed.errors
    counter = picture(home / "hotp.png", f"otpauth://hotp/x?secret={SEED}&counter=1")
    vault.item("create", "--title", "x", "--otp-qr", counter).fails(Status.CONFIGURATION, "counts its codes")
    assert not vault.json("list", "x", "--tag", "none")


def test_without_a_desktop_there_is_no_screen(vault: Vault) -> None:
    failed = vault.item("create", "--title", "x", "--otp-qr", "screen")
    failed.fails(Status.USAGE, "there is no desktop here")
    (vault.user.home / "empty").mkdir(exist_ok=True)
    bare = {"DISPLAY": ":99", "PATH": str(vault.user.home / "empty")}
    failed = vault.item("create", "--title", "x", "--otp-qr", "screen", variables=bare)
    said = failed.fails(Status.USAGE, "no program to take a picture of the screen").errors
    assert "maim, import, gnome-screenshot, spectacle" in said


def seen(vault: Vault, variables: dict[str, str]) -> Result | None:
    """What creating an item from the screen said, or None as long as there is nothing to be seen."""
    done = vault.item("create", "--title", "seen", "--otp-qr", "screen", variables=variables)
    return done if done.status == 0 else None


def test_a_qr_code_on_the_screen(vault: Vault) -> None:
    needs("import")
    file = picture(vault.user.home / "shown.png", URI)
    with Display() as display:
        variables = {"DISPLAY": display.name}
        nothing = vault.item("create", "--title", "x", "--otp-qr", "screen", variables=variables)
        nothing.fails(Status.USAGE, "no QR code of a one-time password is on the screen")
        window = [needs("display"), str(vault.user.home / file)]
        with subprocess.Popen(window, env={**vault.user.environment, **variables}) as showing:
            try:
                done = wait_for(lambda: seen(vault, variables), "the window is seen")
            finally:
                showing.kill()
    assert vault.fields(done.output.strip()) == {"one-time password": ("OTP", URI)}
    assert not list(Path("/dev/shm").glob("keyturn-*/screen.png"))
