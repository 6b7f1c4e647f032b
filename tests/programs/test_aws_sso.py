"""`keyturn aws sso` and commands whose profile signs in, against a service that says no."""

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.aws_server.sso import START_URL, SsoServer
from tests.programs.sso_user import browsed, code_on, opened, set_up, sign_in, with_browser
from tests.programs.user import User
from tests.vaults.templates import PASSWORD

RUN = "keyturn plugin run -- aws s3 ls"
ROLE = r"ASIA[0-9A-F]{16} 111111111111/Admin eu-central-1"


@pytest.fixture
def sso() -> Iterator[SsoServer]:
    with SsoServer() as found:
        yield found


@pytest.fixture
def sso_user(user: User, sso: SsoServer) -> User:
    set_up(user, sso)
    return user


def test_a_command_asks_for_the_sign_in_and_goes_on(sso_user: User, sso: SsoServer) -> None:
    terminal = opened(sso_user)
    terminal.type(f"{RUN} --profile dev")
    terminal.expect("aws needs you to sign in to “corp”")
    code = code_on(terminal)
    sso.approve(code)
    assert re.search(ROLE, terminal.ready())
    assert not [line for line in terminal.screen() if code in line or "sign in" in line], "erased"
    printed, status = terminal.run(f"{RUN} --profile dev")
    assert (re.fullmatch(f"{ROLE}\n", printed) is not None, status) == (True, 0)
    assert (sso.count("RegisterClient"), sso.count("GetRoleCredentials")) == (1, 1)
    # Another role over the same sign-in: nobody is asked.
    printed, status = terminal.run(f"{RUN} --profile prod")
    assert "222222222222/ReadOnly" in printed
    assert sso.count("StartDeviceAuthorization") == 1


def test_the_account_is_asked_for_before_the_sign_in(sso_user: User, sso: SsoServer) -> None:
    """Who signs in has agreed to nothing; and no token is read before somebody has."""
    terminal = opened(sso_user)
    sign_in(terminal, sso)
    other = sso_user.terminal(columns=140)
    other.type(f"{RUN} --profile dev")
    other.expect("aws wants to use the sign-in “corp” of account “Test”")
    other.answer("password of account “Test”: ", PASSWORD)
    assert re.search(ROLE, other.ready())
    assert sso.count("StartDeviceAuthorization") == 1


def test_many_who_wait_share_one_sign_in(sso_user: User, sso: SsoServer) -> None:
    first, second = opened(sso_user), opened(sso_user)
    first.type(f"sh -c 'for p in dev dev prod dev; do {RUN} --profile $p & done; wait'")
    code = code_on(first)
    second.type(f"{RUN} --profile dev")
    time.sleep(1)
    sso.approve(code)
    for _ in range(4):
        first.expect(r"ASIA[0-9A-F]{16} \d+/\w+")
    assert re.search(ROLE, second.ready())
    assert sso.count("StartDeviceAuthorization") == 1
    assert sso.count("GetRoleCredentials") == 2, "one for each role"


def test_with_a_browser_its_page_comes_back_by_itself(sso_user: User, sso: SsoServer) -> None:
    with_browser(sso_user)
    terminal = opened(sso_user)
    printed, status = terminal.run(f"{RUN} --profile dev")
    assert (re.search(ROLE, printed) is not None, status) == (True, 0), printed
    (line,) = browsed(sso_user)
    # What other users can read among the browser's arguments leads to a port that is closed by now.
    assert re.match(r"http://127\.0\.0\.1:\d+/start/[\w-]{22} Keyturn Keyturn has what it waited for", line)
    assert (sso.count("Exchange", error=""), sso.count("StartDeviceAuthorization")) == (1, 0)


def test_a_no_in_the_browser(sso_user: User, sso: SsoServer) -> None:
    with_browser(sso_user)
    sso.decision = "deny"
    terminal = opened(sso_user)
    printed, status = terminal.run(f"{RUN} --profile dev")
    assert ("the sign-in was denied in the browser" in printed, status) == (True, 196)
    assert "The sign-in was refused" in browsed(sso_user)[0]


@pytest.mark.parametrize("why", ["ssh", "setting"])
def test_who_comes_by_ssh_or_wants_it_so_is_shown_a_code(sso_user: User, sso: SsoServer, why: str) -> None:
    with_browser(sso_user)
    if why == "ssh":
        sso_user.variables["SSH_CONNECTION"] = "192.0.2.1 50000 192.0.2.2 22"
    else:
        sso_user.keyturn("settings", "set", "prompt.browser", "false").succeeds()
    terminal = opened(sso_user)
    terminal.type(f"{RUN} --profile dev")
    sso.approve(code_on(terminal))
    assert re.search(ROLE, terminal.ready())
    assert not browsed(sso_user)


def test_a_denied_code_and_ctrl_c(sso_user: User, sso: SsoServer) -> None:
    terminal = opened(sso_user)
    terminal.type("keyturn aws sso login --no-browser")
    sso.approve(code_on(terminal), "denied")
    assert "denied in the browser" in terminal.ready()
    assert terminal.status() == 196
    terminal.type(f"{RUN} --profile dev")
    code_on(terminal)
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == 130


def test_without_a_terminal_it_fails_at_once(sso_user: User, sso: SsoServer) -> None:
    with_browser(sso_user)
    signin = f"keyturn signin --password-file {sso_user.password_file()}"
    script = f"{signin} 2>/dev/null && {RUN} --profile dev"
    began = time.monotonic()
    sso_user.sh(script).fails(190, "nobody is signed in")
    assert time.monotonic() - began < 15
    assert not browsed(sso_user)
    assert not sso.count("StartDeviceAuthorization")


def test_an_expired_token_is_refreshed_and_a_refresh_token_is_used_once(
    sso_user: User, sso: SsoServer
) -> None:
    terminal = opened(sso_user)
    sso.rules.token_seconds = 400
    assert "refreshed by itself" in sign_in(terminal, sso)
    sso.rules.token_seconds = 3600
    printed, _ = terminal.run(f"sh -c 'for p in dev prod dev prod; do {RUN} --profile $p & done; wait'")
    assert len(re.findall("ASIA", printed)) == 4
    assert (sso.count("Refresh"), sso.count("StartDeviceAuthorization")) == (1, 1)


def test_a_token_that_ended_early_is_refreshed_and_a_revoked_sign_in_asked_for_anew(
    sso_user: User, sso: SsoServer
) -> None:
    terminal = opened(sso_user)
    sign_in(terminal, sso)
    sso.end_access()
    printed, _ = terminal.run(f"{RUN} --profile dev")
    assert re.search(ROLE, printed)
    assert sso.count("Refresh", error="") == 1
    sso.revoke()
    terminal.type(f"{RUN} --profile prod")
    sso.approve(code_on(terminal))
    assert "222222222222/ReadOnly" in terminal.ready()


def test_status_list_and_logout(sso_user: User, sso: SsoServer) -> None:
    terminal = opened(sso_user)
    assert "nobody is signed in" in terminal.run("keyturn aws sso status")[0]
    sign_in(terminal, sso)
    shown = json.loads(terminal.run("keyturn aws sso status --format json")[0])["sign_ins"]
    assert [(row["session"], row["start_url"], row["refreshes"]) for row in shown] == [
        ("corp", START_URL, True)
    ]
    listed = json.loads(terminal.run("keyturn aws sso list --format json")[0])["roles"]
    assert [(row["account"], row["role"]) for row in listed] == [
        ("111111111111", "Admin"),
        ("111111111111", "ReadOnly"),
        ("222222222222", "ReadOnly"),
        ("333333333333", "Admin"),
        ("333333333333", "Billing"),
        ("333333333333", "ReadOnly"),
    ], "every page"
    assert sso.count("ListAccounts") == 2
    assert "ASIA" in terminal.run(f"{RUN} --profile dev")[0]
    access = next(iter(sso.rules.access))
    assert "signed out of “corp”" in terminal.run("keyturn aws sso logout")[0]
    assert sso.count("Logout", error="") == 1
    assert sso.rules.sessions[sso.rules.access[access][0]].is_over
    assert "nobody is signed in" in terminal.run("keyturn aws sso status")[0]
    # The role's keys of a moment ago are not handed out any more either.
    terminal.type(f"{RUN} --profile dev")
    code_on(terminal)
    terminal.press("c")
    terminal.ready()


def test_what_is_kept_is_sealed_and_gone_from_memory_with_a_lock(sso_user: User, sso: SsoServer) -> None:
    terminal = opened(sso_user)
    sign_in(terminal, sso)
    (file,) = (sso_user.state / "sign-ins").glob("*.age")
    assert file.stat().st_mode & 0o777 == 0o600
    tokens = [*sso.rules.access, *(each.refresh for each in sso.rules.sessions.values())]
    tokens += [each.secret for each in sso.rules.clients.values()]
    for path in sso_user.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not [token for token in tokens if token.encode() in content], path
    # Another keeper finds them again, once the account is open.
    sso_user.keyturn("lock").succeeds()
    terminal.type("keyturn aws sso status")
    terminal.answer("password of account “Test”: ", PASSWORD)
    assert "corp" in terminal.ready()


def test_an_account_that_is_forgotten_leaves_no_sign_in_behind(sso_user: User, sso: SsoServer) -> None:
    sign_in(opened(sso_user), sso)
    sso_user.keyturn("account", "forget", "--account", "Test").succeeds()
    assert not list((sso_user.state / "sign-ins").glob("*.age"))


def test_explain_asks_nobody_to_sign_in(sso_user: User, sso: SsoServer) -> None:
    printed, status = opened(sso_user).run("keyturn aws explain --profile dev")
    assert (status, "sign-in “corp”" in printed or "111111111111" in printed) == (0, True), printed
    assert not sso.calls
