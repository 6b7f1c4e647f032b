"""No secret is in the words or the variables of what is started for another program's vault.

Helpers and all that they start (gpg and its agent, `op`) are looked at by strace, while an item with a
one-time code is made, read, changed and deleted and a key is given to a command. Variables that a program's
own documentation leaves no other way for are in the table of docs/explanation/other-vaults.md, and no others.
"""

import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatch

import pytest

from tests.aws_server.client import ROOT
from tests.programs import executions
from tests.programs.executions import Execution
from tests.programs.other_vaults import MAKERS, Vault
from tests.programs.planted import Planted
from tests.programs.user import Result, User
from tests.vaults.one_password import CONNECT_TOKEN, SERVICE_TOKEN

pytestmark = pytest.mark.needs("strace")

HELPER = "keyturn.agent.helper"
PAGE = ROOT / "docs/explanation/other-vaults.md"
# What must have been seen, by vault; and for 1Password the variable that it is let in by.
STARTED = {
    "keepassxc": {HELPER},
    "pass": {HELPER, "gpg", "gpg-agent", "gpg-connect-agent"},
    "secret-service": {HELPER},
    "1password": {HELPER, "op"},
    "1password service account": {HELPER, "op"},
    "1password connect": {HELPER, "op"},
}
LETS_IN = {
    "1password": "OP_SESSION_ADAEXAMPLE",
    "1password service account": "OP_SERVICE_ACCOUNT_TOKEN",
    "1password connect": "OP_CONNECT_TOKEN",
}


@contextlib.contextmanager
def _service_account(user: User) -> Iterator[Vault]:
    with MAKERS["1password"](user) as vault:
        assert vault.one is not None
        with vault.one.service() as found:
            found["accounts"] = []
        yield replace(vault, question="token of the 1Password service account: ", key=SERVICE_TOKEN)


@contextlib.contextmanager
def _connect(user: User) -> Iterator[Vault]:
    user.variables["OP_CONNECT_HOST"] = "http://127.0.0.1:8080"
    with MAKERS["1password"](user) as vault:
        yield replace(vault, question="token of the 1Password Connect server: ", key=CONNECT_TOKEN)


ALL: dict[str, Callable[[User], contextlib.AbstractContextManager[Vault]]] = {
    **MAKERS,
    "1password service account": _service_account,
    "1password connect": _connect,
}


def documented() -> dict[str, set[str]]:
    """By program the variables that may hold a secret, as the page's table says."""
    _, _, rest = PAGE.read_text().partition("## How secrets go to the other program\n")
    section, _, _ = rest.partition("\n## ")
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    assert rows, "the page has no such table any more"
    return {
        row[0].strip().strip("`"): {name.replace("…", "*") for name in re.findall(r"`([A-Z_]+…?)`", row[2])}
        for row in rows
    }


def shown(
    found: list[Execution], secrets: Mapping[str, str], allowed: Mapping[str, set[str]]
) -> Iterator[str]:
    """Each place where a secret stands and must not."""
    for each in found:
        for name, secret in secrets.items():
            if any(secret in word for word in (each.program, *each.words)):
                yield f"{name} in the words of {each.program}"
            for variable, value in each.variables.items():
                may = allowed.get(os.path.basename(each.program), set())
                if secret in value and not any(fnmatch(variable, pattern) for pattern in may):
                    yield f"{name} in {variable} of {each.program}"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", sorted(ALL))
def test_no_program_of_a_vault_gets_a_secret_that_others_could_read(kind: str) -> None:
    with Planted() as planted, ALL[kind](planted.user) as vault:
        planted.secrets["key"] = vault.key
        use(planted, vault, is_whole=kind in MAKERS)
        found = executions.read(planted.helpers)
        names = {os.path.basename(each.program) for each in found}
        names |= {each.words[3] for each in found if each.words[1:3] == ("-I", "-m")}
        assert names >= STARTED[kind], names
        assert len(found) > (10 if kind in MAKERS else 3), "one helper for each operation"
        sessions = dict[str, str]()
        if vault.one is not None:
            with vault.one.service() as service:
                sessions = {f"session {number}": each for number, each in enumerate(service["sessions"])}
                assert service["calls"]
            planted.files.add(vault.one.directory / "service.json")
            assert bool(sessions) == (kind == "1password")
        secrets = {**planted.secrets, **sessions}
        assert not list(shown(found, secrets, documented()))
        # The table says no more than what is so; and what is allowed would be seen.
        used = {line.split()[-3] for line in shown(found, secrets, {})}
        assert used == ({LETS_IN[kind]} if kind in LETS_IN else set())
        # Said, logged, or left in a file: nothing at all. (Other tests have files with these keys.)
        assert not any(vault.key in done.output + done.errors for _, done in planted.said)
        planted.helpers.unlink()
        planted.assert_unseen(frozenset({"key"}))


def use(planted: Planted, vault: Vault, *, is_whole: bool) -> None:
    """All that is done with a vault, by a person who types what opens it wrongly once; or but one look."""
    user = planted.user
    user.variables["KEYTURN_ACCOUNT"] = "Mine"
    planted.observe()
    unlocked = ("--password-file", planted.file("key", vault.key))
    agree = unlocked if vault.is_open else ()

    def run(*words: str, stdin: str = "") -> Result:
        done = user.keyturn(*words, stdin=stdin)
        planted.said.append((words, done))
        return done

    def do(*words: str, stdin: str = "") -> str:
        return run(*words, stdin=stdin).succeeds().output

    do("account", "create", "Mine", "--backend", vault.backend, *vault.arguments, *agree)
    if vault.backend == "pass":
        # The one that was started for the key's making is not looked at.
        environment = {**os.environ, **user.environment}
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True, timeout=30)
    assert run("signin", "--password-file", "wrong").status != 0
    if not is_whole:
        do("item", "list", *unlocked)
        return
    create = ("item", "create", "--title", "Hand", "key=@value", "seed[otp]=-", *unlocked)
    item = do(*create, stdin=planted.secrets["seed"]).strip()
    do("item", "edit", item, "key=@second", *unlocked)
    assert re.fullmatch(r"\d{6}\n", do("item", "get", item, "--otp", *unlocked))
    do("plugin", "init", "aws", "--no-input", "--import-profile", "default", "--keep-plaintext", *unlocked)
    wrapped = "keyturn signin --password-file key && exec keyturn plugin run -- aws s3 ls"
    assert user.sh(wrapped).succeeds().output == "ran\n"
    do("item", "delete", item, "--permanently", "--yes", *unlocked)
    do("lock")


def test_each_place_is_looked_at() -> None:
    """A secret as a word or in a variable is seen; where the table allows it, it is not held against it."""
    started = [
        Execution(1, "/usr/bin/gpg", ("gpg", "--passphrase", "canary"), {}),
        Execution(2, "/usr/bin/gpg", ("gpg",), {"OP_SESSION_X": "canary"}),
        Execution(3, "/opt/op", ("op",), {"OP_SESSION_X": "canary", "PASSWORD": "the canary"}),
    ]
    assert list(shown(started, {"it": "canary"}, documented())) == [
        "it in the words of /usr/bin/gpg",
        "it in OP_SESSION_X of /usr/bin/gpg",
        "it in PASSWORD of /opt/op",
    ]
