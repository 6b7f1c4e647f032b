"""The one-time password in a picture: a QR code in a file or on the screen.

The picture is foreign, and a decoder is much code: it works in a process of its own that is given the
picture and nothing else, with limits of memory and time.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from keyturn.agent.field_changes import ONE_TIME_PASSWORD, one_time_password
from keyturn.agent.requests import FieldChange
from keyturn.cli import item_memory
from keyturn.cli.context import Context
from keyturn.ground import files
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.processes import private

F = TypeVar("F", bound=Callable[..., Any])

SCREEN = "screen"
LARGEST_FILE = 32 * 1024 * 1024
LARGEST_PICTURE = 64 * 1024 * 1024  # pixels
# A code of the largest kind holds less than 3 kilobytes.
LARGEST_TEXTS = 64 * 1024
MEMORY = 1024 * 1024 * 1024
SECONDS = 20
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM")
NOT_A_PICTURE, TOO_LARGE = 3, 4

# What takes pictures of a screen: its words, where FILE stands for the picture's path (else it is printed),
# and the variable that has to be there.
_PROGRAMS = (
    (("grim", "-"), "WAYLAND_DISPLAY"),
    (("gnome-screenshot", "-f", "FILE"), "WAYLAND_DISPLAY"),
    (("spectacle", "-b", "-n", "-f", "-o", "FILE"), "WAYLAND_DISPLAY"),
    (("maim",), "DISPLAY"),
    (("import", "-silent", "-window", "root", "png:-"), "DISPLAY"),
    (("gnome-screenshot", "-f", "FILE"), "DISPLAY"),
    (("spectacle", "-b", "-n", "-f", "-o", "FILE"), "DISPLAY"),
)
_DARWIN = ((("screencapture", "-x", "FILE"), ""),)


def option(command: F) -> F:
    return click.option(
        "--otp-qr",
        metavar="FILE|screen",
        help="the one-time password from a QR code: in a picture, or on the screen now",
    )(command)


def field_change(context: Context, source: str, label: str = ONE_TIME_PASSWORD) -> FieldChange:
    """The field that the QR code in `source` (a file, or `screen`) makes. Raises UsageError."""
    if not all(importlib.util.find_spec(module) for module in ("zxingcpp", "PIL")):
        raise UsageError(
            "what reads QR codes is not installed",
            "install it: pip install 'keyturn[qr]' (pipx: pipx inject keyturn zxing-cpp pillow)",
            "or give the text that the service shows beside the picture: 'one-time password[otp]=-'",
        )
    picture = _screenshot(context) if source == SCREEN else _content(source)
    place = "on the screen" if source == SCREEN else f"in {printable(source)}"
    found = {text for text in _texts(context, picture, place) if text.lower().startswith("otpauth:")}
    if len(found) != 1:
        what = "no QR code of a one-time password is" if not found else f"{len(found)} QR codes are"
        raise UsageError(
            f"{what} {place}",
            "show that one code alone, whole and larger" if found else "show the code whole, and larger",
            "or give the text that the service shows beside the picture: 'one-time password[otp]=-'",
        )
    value = Secret(found.pop())
    one_time_password(value, f"the QR code {place}")
    return FieldChange(label=label, type="otp", value=value)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {files.reason(error)}") from None
    if len(content) > LARGEST_FILE:
        raise UsageError(f"{path} is larger than {LARGEST_FILE} bytes")
    return content


def _screenshot(context: Context) -> bytes:
    """A picture of the screen, by the first program that can. Raises UsageError if there is none."""
    import shutil

    environment = context.world.environment
    programs = _DARWIN if sys.platform == "darwin" else _PROGRAMS
    can = [words for words, needed in programs if not needed or environment.get(needed)]
    if not can:
        raise UsageError("there is no desktop here to take a picture of", "save one, and give: --otp-qr FILE")
    names = []
    for words in can:
        program = shutil.which(words[0], path=environment.get("PATH", ""))
        if program is None:
            continue
        names.append(words[0])
        with item_memory.directory(context.world.directories) as place:
            picture = place / "screen.png"
            command = [program, *(str(picture) if word == "FILE" else word for word in words[1:])]
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    env=dict(environment),
                    timeout=SECONDS,
                    check=False,
                )
                taken = _content(str(picture)) if picture.exists() else done.stdout
                if done.returncode == 0 and 0 < len(taken) <= LARGEST_FILE:
                    return taken
    if names:
        raise UsageError(
            f"no picture of the screen could be taken; tried: {', '.join(dict.fromkeys(names))}",
            "save one, and give: --otp-qr FILE",
        )
    wanted = dict.fromkeys(words[0] for words in can)
    raise UsageError(
        "no program to take a picture of the screen is installed",
        f"one of: {', '.join(wanted)}",
        "or save a picture, and give: --otp-qr FILE",
    )


def _texts(context: Context, picture: bytes, place: str) -> list[str]:
    """What the QR codes in a picture say, read in another process. Raises UsageError."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "keyturn.cli.item_picture"],
            input=picture,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=context.world.agent_environment,
            cwd="/",
            timeout=SECONDS + 10,
            check=False,
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is not None and done.returncode == 0:
        return done.stdout.decode("utf-8", "replace").split("\0")
    if done is not None and done.returncode == NOT_A_PICTURE:
        raise UsageError(f"there is no picture {place}", f"kinds that are read: {', '.join(FORMATS)}")
    if done is not None and done.returncode == TOO_LARGE:
        raise UsageError(f"the picture {place} is too large", "cut out the part with the QR code")
    raise UsageError(f"the picture {place} could not be read", "cut out the part with the QR code")


def decode() -> int:
    """Read a picture from stdin and print what its QR codes say, parted by NUL."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
    ):
        # macOS knows RLIMIT_AS and does not take it.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
    signal.alarm(SECONDS)
    import zxingcpp
    from PIL import Image

    content = sys.stdin.buffer.read(LARGEST_FILE + 1)
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
        if picture.width * picture.height > LARGEST_PICTURE:
            return TOO_LARGE
        grey = picture.convert("L")
    except Exception:  # noqa: BLE001  # whatever a decoder of pictures says of foreign bytes
        return NOT_A_PICTURE
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.barcode_formats_from_str("QRCode"))
    texts = "\0".join(each.text for each in found).encode("utf-8", "replace")
    sys.stdout.buffer.write(texts[:LARGEST_TEXTS])
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(private.run_privately(decode))
