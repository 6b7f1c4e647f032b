"""A user whose profiles sign in through IAM Identity Center, and a probe that says which keys it got."""

import re
import sys
from pathlib import Path

from tests.aws_server.client import ROOT
from tests.aws_server.sso import SsoServer
from tests.programs.user import Terminal, User

CODE = r"and type the code: ([A-Z]{4}-[A-Z]{4})"
PROFILES = {"dev": "111111111111/Admin", "prod": "222222222222/ReadOnly"}
_PROBE = '#!/bin/sh\necho "$AWS_ACCESS_KEY_ID ${AWS_SESSION_TOKEN%/*} $AWS_REGION"\n'


def set_up(user: User, sso: SsoServer, config: str = "") -> None:
    """An account without items, the profiles, and `aws` wrapped: a probe stands for it."""
    user.variables.update(sso.environment())
    user.aws_files("", config or sso.config_text(**PROFILES))
    user.account()
    probe = user.home / "bin/aws"
    probe.parent.mkdir()
    probe.write_text(_PROBE)
    probe.chmod(0o755)
    user.path.insert(0, str(probe.parent))
    # It lies below the working directory, and is no planted one.
    trusted = f'["{probe.parent}"]'
    user.keyturn("settings", "set", "executables.trusted_directories", trusted).succeeds()


def with_browser(user: User) -> None:
    """A browser that agrees by itself (`tests/programs/sso_browser.py`)."""
    user.variables["BROWSER"] = f"{sys.executable} {ROOT}/tests/programs/sso_browser.py %s"


def browsed(user: User) -> list[str]:
    """What that browser was given, and where it ended, a line each."""
    path = Path(user.home, "browsed")
    return path.read_text().splitlines() if path.exists() else []


def opened(user: User) -> Terminal:
    """A terminal that has unlocked the account, and where `run` means a wrapped command."""
    terminal = user.terminal(columns=140)
    terminal.run(f"keyturn signin --password-file {user.password_file()}")
    return terminal


def code_on(terminal: Terminal) -> str:
    """Wait for the code that is shown; what it is."""
    terminal.expect(CODE)
    return str(re.findall(CODE, str(terminal.child.after))[0])


def sign_in(terminal: Terminal, sso: SsoServer, command: str = "keyturn aws sso login --no-browser") -> str:
    """Sign in by a code; what was printed after."""
    terminal.type(command)
    sso.approve(code_on(terminal))
    return terminal.ready()
