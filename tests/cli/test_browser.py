"""Whether there is a browser, and that only our own address is among its arguments."""

import time
from pathlib import Path

import pytest

from keyturn.cli import browser


def program(directory: Path, name: str) -> bytes:
    path = directory / name
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" >"{directory}/called"\n')
    path.chmod(0o755)
    return str(path).encode()


@pytest.mark.parametrize(
    ("variables", "is_there"),
    [
        ({b"DISPLAY": b":0"}, True),
        ({b"WAYLAND_DISPLAY": b"wayland-0"}, True),
        ({b"BROWSER": b"xdg-open"}, True),
        ({}, False),
        ({b"DISPLAY": b":0", b"SSH_CONNECTION": b"a b c d"}, False),
        ({b"BROWSER": b"xdg-open", b"SSH_TTY": b"/dev/pts/1"}, False),
        ({b"DISPLAY": b":0", b"PATH": b"/nonexistent"}, False),
        ({b"BROWSER": b"'", b"PATH": b"/nonexistent"}, False),
    ],
)
def test_whether_there_is_one(variables: dict[bytes, bytes], is_there: bool, tmp_path: Path) -> None:
    program(tmp_path, "xdg-open")
    assert browser.is_there({b"PATH": str(tmp_path).encode(), **variables}) is is_there


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("xdg-open", ["ADDRESS"]),
        ("missing:xdg-open", ["ADDRESS"]),
        ("xdg-open --new 'a b' %s:other", ["--new", "a b", "ADDRESS"]),
        ("xdg-open --url=%s", ["--url=ADDRESS"]),
        ("", ["ADDRESS"]),
    ],
)
def test_how_it_is_called(written: str, expected: list[str], tmp_path: Path) -> None:
    path = program(tmp_path, "xdg-open")
    variables = {b"PATH": str(tmp_path).encode() + b":/usr/bin:/bin", b"BROWSER": written.encode()}
    assert browser.show("ADDRESS", variables)
    called = tmp_path / "called"
    deadline = time.monotonic() + 20
    while (not called.exists() or not called.read_text().endswith("\n")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.05)
    assert called.read_text().splitlines() == [path.decode(), *expected]


def test_without_one_nothing_is_opened(tmp_path: Path) -> None:
    assert not browser.show("ADDRESS", {b"PATH": str(tmp_path).encode()})
