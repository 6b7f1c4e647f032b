"""A sign-in in a real browser: Chromium, without a screen, follows the pages there and back."""

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.aws_server.sso import SsoServer
from tests.parts import is_root, needs
from tests.programs.sso_user import opened, set_up
from tests.programs.user import User

# It prints the page that it ended on, once nothing has happened for so many milliseconds.
FLAGS = (
    "--headless --disable-gpu --no-first-run --disable-dev-shm-usage --virtual-time-budget=10000 --dump-dom"
)


@pytest.fixture
def sso() -> Iterator[SsoServer]:
    with SsoServer() as found:
        yield found


def test_chromium_comes_back_by_itself(user: User, sso: SsoServer) -> None:
    chromium = needs("chromium")
    set_up(user, sso)
    browser = user.home / "browser"
    # Its own sandbox is not to be had by root.
    flags = (
        f"{FLAGS} {'--no-sandbox' if is_root() else ''} --user-data-dir={shlex.quote(str(user.home / 'web'))}"
    )
    browser.write_text(f'#!/bin/sh\nexec {chromium} {flags} "$1" >"$HOME/page" 2>"$HOME/browser-log"\n')
    browser.chmod(0o755)
    user.variables["BROWSER"] = str(browser)
    terminal = opened(user)
    printed, status = terminal.run("keyturn plugin run -- aws s3 ls --profile dev", seconds=60)
    assert (re.search("ASIA[0-9A-F]{16} 111111111111/Admin", printed) is not None, status) == (True, 0), (
        printed
    )
    assert (sso.count("Authorize", error=""), sso.count("Exchange", error="")) == (1, 1)
    # It writes the page when it ends, which is after the sign-in has come to its own end.
    terminal.run("while ! grep -q '</html>' page; do sleep 0.2; done", seconds=60)
    assert "Keyturn has what it waited for" in (user.home / "page").read_text()
