"""Completion of `keyturn` itself, in interactive shells: what it offers, and what it never does."""

import json
import shlex
from collections.abc import Iterator

import pytest

from keyturn.cli.plugin import COMMANDS
from tests.programs.completer import Completer
from tests.programs.user import BIN, User
from tests.vaults.templates import PASSWORD, make_item

# As the how-to says: each shell finds these by itself.
PLACES = {
    "bash": ".local/share/bash-completion/completions/keyturn",
    "zsh": "functions/_keyturn",
    "fish": ".config/fish/completions/keyturn.fish",
}
TITLES = ["AWS of Ada's, EXAMPLE", "AWS $(x) EXAMPLE"]


@pytest.fixture(scope="module")
def keeper() -> Iterator[User]:
    with User() as user:
        user.account(*map(make_item, TITLES))
        user.password_file()
        for shell, place in PLACES.items():
            path = user.home / place
            path.parent.mkdir(parents=True)
            path.write_text(user.keyturn("completion", shell).succeeds().output)
        yield user


@pytest.fixture(params=PLACES)
def completer(keeper: User, request: pytest.FixtureRequest) -> Iterator[tuple[Completer, User]]:
    """A shell; the account is locked."""
    keeper.keyturn("lock").succeeds()
    found = Completer(keeper, str(request.param), keeper.home)
    yield found, keeper
    found.close()


def offers(completer: tuple[Completer, User], line: str) -> list[str]:
    """The words that may stand in the last one's place, as the shell takes them apart."""
    found, user = completer
    words = found.offers(line)
    text = (user.home / "offered").read_text()
    if (user.home / ".config/fish/config.fish").exists() and not text.startswith("keyturn"):
        return [word.partition("\t")[0] for word in words]
    before = len(line.split()) - (not line.endswith(" "))
    return shlex.split(text)[before:]


def audit(user: User) -> str:
    path = user.state / "audit.jsonl"
    return path.read_text() if path.exists() else ""


def test_commands_options_and_names_that_need_no_key(completer: tuple[Completer, User]) -> None:
    assert sorted(offers(completer, "keyturn sign")) == ["signin", "signout"]
    assert sorted(offers(completer, "keyturn plugin ")) == sorted(COMMANDS)
    assert sorted(offers(completer, "keyturn signin --password")) == ["--password-fd", "--password-file"]
    assert sorted(offers(completer, "keyturn settings get lock.on_")) == [
        "lock.on_screen_lock",
        "lock.on_suspend",
    ]
    assert "aws" in offers(completer, "keyturn shim enable ")
    assert offers(completer, "keyturn signin --account Te") == ["Test"]


def test_titles_only_while_this_terminal_may_and_without_a_trace(
    completer: tuple[Completer, User], keeper: User
) -> None:
    typed = ["AWS"]
    before = audit(keeper)
    assert offers(completer, "keyturn item get AWS") in ([], typed)
    assert offers(completer, "keyturn item list --vault Pri") in ([], ["Pri"])
    completer[0].run("keyturn signin --password-file ~/password")
    signed_in = audit(keeper)
    assert sorted(offers(completer, "keyturn item get AWS")) == sorted(TITLES)
    assert sorted(offers(completer, "keyturn plugin run --item AWS")) == sorted(TITLES)
    assert offers(completer, "keyturn item list --vault Pri") == ["Private"]
    assert audit(keeper) == signed_in
    assert len(signed_in) >= len(before)
    other = Completer(keeper, "bash", keeper.home)
    assert other.offers("keyturn item get AWS")[3:] in ([], typed)
    other.close()


def answers(user: User, line: str, **variables: str) -> str:
    asked = {"_KEYTURN_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()))}
    done = user.run(str(BIN / "keyturn"), variables={**asked, **variables}).succeeds()
    assert not done.errors
    return done.output


@pytest.mark.parametrize(
    "words",
    ["keyturn item get", "keyturn item list --vault", "keyturn plugin init", "keyturn signin --account"],
)
def test_it_starts_no_agent_and_says_nothing_of_what_is_wrong(keeper: User, words: str) -> None:
    keeper.keyturn("agent", "stop").succeeds()
    answers(keeper, words)
    assert not list((keeper.runtime / "keyturn").glob("*.sock"))
    (keeper.config / "accounts.json").rename(keeper.config / "aside")
    (keeper.config / "accounts.json").write_text("{")
    try:
        answers(keeper, words)
        assert answers(keeper, words, KEYTURN_STATE_DIR="relative") in ("", "\n") or "init" in words
    finally:
        (keeper.config / "aside").rename(keeper.config / "accounts.json")


def test_to_complete_renews_no_approval(keeper: User) -> None:
    terminal = keeper.terminal()
    terminal.type("keyturn signin")
    terminal.answer("password of account “Test”: ", PASSWORD)
    terminal.ready()

    def left() -> int:
        printed, _ = terminal.run("keyturn status --format json")
        (row,) = [each for each in json.loads(printed)["status"]["approvals"] if each["this"]]
        return int(row["seconds_left"])

    before = left()
    terminal.run("sleep 2.1")
    question = "_KEYTURN_COMPLETE=bash_complete COMP_WORDS='keyturn item get' COMP_CWORD=3 keyturn"
    printed, status = terminal.run(question)
    assert (status, "plain,AWS" in printed) == (0, True)
    assert left() < before
    terminal.close()
