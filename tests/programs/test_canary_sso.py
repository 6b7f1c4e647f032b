"""Where the tokens of a sign-in are, and are not: files, words of programs, memory after a lock."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws_server.sso import SsoServer
from tests.programs import memory
from tests.programs.sso_user import browsed, opened, set_up, with_browser
from tests.programs.test_canary_aws import keepers
from tests.programs.user import User

pytestmark = [pytest.mark.needs("root"), pytest.mark.needs("strace")]


@pytest.fixture
def sso() -> Iterator[SsoServer]:
    with SsoServer() as found:
        yield found


def test_tokens_are_in_the_keeper_alone(user: User, sso: SsoServer) -> None:
    set_up(user, sso)
    with_browser(user)
    terminal = opened(user)
    trace = user.home / "trace"
    tracing = f"strace -f --seccomp-bpf -v -qq -s 100000 -e trace=execve -o {trace}"
    assert "signed in" in terminal.run(f"{tracing} keyturn aws sso login", seconds=60)[0]
    assert "ASIA" in terminal.run("keyturn plugin run -- aws s3 ls --profile dev")[0]
    (code,) = sso.rules.codes
    (client,) = sso.rules.clients.values()
    tokens = [*sso.rules.access, *(each.refresh for each in sso.rules.sessions.values()), client.secret]
    assert len(tokens) == 3
    # In no file, and nobody is told them.
    for path in user.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not [token for token in (*tokens, code) if token.encode() in content], path
    screen = "\n".join(terminal.screen())
    assert not [token for token in (*tokens, code) if token in screen]
    # In nobody's words: the browser was given our own address, and nothing of the sign-in.
    words = trace.read_text()
    assert re.search(r'"http://127\.0\.0\.1:\d+/start/', words), "the browser is in the trace"
    assert browsed(user)
    assert not [part for part in ("state=", "code_challenge", "authorize", code, *tokens) if part in words]
    # In the keeper while it is unlocked, and nowhere once it is locked.
    before = set().union(*(memory.held(pid, tokens) for pid in keepers(user)))
    assert before == set(tokens), "they can be found while it is unlocked"
    terminal.run("keyturn lock")
    for pid in set(memory.pids_of(user.home)) - {os.getpid()}:
        assert not memory.held(pid, [*tokens, code]), Path(f"/proc/{pid}/cmdline").read_bytes()
    assert len(keepers(user)) == 2
