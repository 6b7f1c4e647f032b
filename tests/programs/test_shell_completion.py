"""Completion of a wrapped command is what it was: five commands with real completions, ten positions of each.

And it never asks: neither the launcher nor the agent hears of it (stories 65 and 66).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.shells import plugins_sh
from tests.parts import absent, needs
from tests.programs.completer import Completer
from tests.programs.memory import pids_with
from tests.programs.user import User
from tests.vaults.templates import make_item

POSITIONS = {
    "aws": (
        "aws s", "aws ", "aws s3 ", "aws s3 sync --ex", "aws ec2 describe-inst", "aws --pro",
        "aws --output ", "aws iam list-", "aws sts get-caller-identity --", "aws 's3' l",
    ),
    "psql": (
        "psql --", "psql -", "psql --da", "psql --quiet --", "psql -A --f", "psql --no",
        "psql --output=", "psql -f ", "psql --ver", "X=1 psql --ex",
    ),
    "gh": (
        "gh ", "gh pr ", "gh pr create --", "gh iss", "gh repo cl", "gh release create --no",
        "gh api --m", "gh pr list --state ", "gh --", "command gh aut",
    ),
    "npm": (
        "npm ", "npm ru", "npm run ", "npm install --", "npm c", "npm run b",
        "npm ls --", "npm config ", "true; npm v", "npm completion x",
    ),
    "git": (
        "git chec", "git ", "git checkout ", "git checkout to", "git rebase --", "git log --on",
        "git branch -", "git add ", "true | git stash ", "git commit --am",
    ),
}  # fmt: skip
SHELLS = ("bash", "zsh", "fish")
# Seconds each, for these completions start node, or gh a hundred times.
SLOW = {("fish", "npm"), ("zsh", "npm"), ("fish", "gh")}

RECORDER = """\
import os, sys
print(sys.argv[1:], file=open({log!r}, "a"))
os.execvp(sys.argv[1], sys.argv[1:])
"""


class World:
    """A user with a project, and a plugins.sh whose launcher writes down that it was called."""

    def __init__(self, user: User) -> None:
        self.user = user
        for name in POSITIONS:
            needs(name)
        if not Path("/usr/share/bash-completion/bash_completion").exists():
            absent("bash-completion")
        self.project = user.home / "project"
        self.project.mkdir()
        (self.project / "package.json").write_text('{"name": "x", "scripts": {"build": "true", "bake": ""}}')
        commit = "git -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m first"
        user.sh(f"cd project; git init -q -b main; {commit}; git branch topic; git tag tower").succeeds()
        functions = user.home / "functions"
        functions.mkdir()
        self.log = user.home / "launched"
        launcher = user.home / "launcher"
        launcher.write_text(RECORDER.format(log=str(self.log)))
        self.plugins = user.home / "plugins.sh"
        command = [needs("python3"), "-ISXutf8", str(launcher)]
        self.plugins.write_bytes(plugins_sh.render(list(POSITIONS), command))
        self._pairs: dict[str, tuple[Completer, Completer]] = {}

    def pair(self, shell: str) -> tuple[Completer, Completer]:
        """The same shell twice: as it is, and with plugins.sh sourced. Kept for the tests that follow."""
        if shell not in self._pairs:
            npm = "source <(npm completion)" if shell == "bash" else ""
            bare = self.completer(shell, wrapped=False, lines=npm)
            self._pairs[shell] = bare, self.completer(shell, wrapped=True, lines=npm)
        return self._pairs[shell]

    def close(self) -> None:
        for completer in (each for pair in self._pairs.values() for each in pair):
            completer.close()

    def completer(self, shell: str, *, wrapped: bool, lines: str = "") -> Completer:
        return Completer(self.user, shell, self.project, self.plugins if wrapped else None, lines)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with User() as user:
        made = World(user)
        yield made
        made.close()


@pytest.mark.parametrize(
    ("shell", "command"),
    [
        pytest.param(shell, command, marks=[pytest.mark.soak] if (shell, command) in SLOW else [])
        for shell in SHELLS
        for command in POSITIONS
    ],
)
def test_candidates_are_the_same(world: World, shell: str, command: str) -> None:
    bare, wrapped = world.pair(shell)
    world.log.unlink(missing_ok=True)
    found = {line: bare.offers(line) for line in POSITIONS[command]}
    assert {line: wrapped.offers(line) for line in POSITIONS[command]} == found
    assert len(found) == 10
    assert max(len(each) for each in found.values()) > 8, "there is a completion at all"
    assert not world.log.exists(), "no completion came by the launcher"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_persons_own_alias_completes_as_before(world: World, shell: str) -> None:
    """Story 65: `alias br=brew`, with `completealiases` and without."""
    # Of the two for npm the second one is bash's function, once aws's has brought bash's ways into zsh.
    lines = ["br chec", "br checkout to", "br", "aws s3 l", "npm ru", "npm r"]
    settings = ["alias br=git", "alias br=git; setopt completealiases"][: 1 + (shell == "zsh")]
    world.log.unlink(missing_ok=True)
    for setting in settings:
        found = []
        for wrapped in (False, True):
            completer = world.completer(shell, wrapped=wrapped, lines=setting)
            found.append([completer.offers(line) for line in lines])
            completer.close()
        assert found[0] == found[1]
        assert any(len(each) > (shell != "fish") for each in found[0])
    assert not world.log.exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_typed_comes_by_the_launcher(world: World, shell: str) -> None:
    """So the file that no completion wrote would have been written."""
    world.log.unlink(missing_ok=True)
    completer = world.completer(shell, wrapped=True)
    completer.offers("git chec")
    assert not world.log.exists()
    completer.run("git --version")
    completer.close()
    assert world.log.read_text() == "['git', '--version']\n"


def test_tab_starts_no_agent_and_opens_no_vault(user: User) -> None:
    """Also where a completion runs the command itself, as fish's does: `aws s3 ls`, for the buckets."""
    user.account(make_item("AWS"))
    user.keyturn("plugin", "init", "aws", "--item", "AWS", "--no-input", "--no-shell-rc",
                 "--also", "", "--password-file", user.password_file()).succeeds()  # fmt: skip
    # A shim stands where the function finds the bare command.
    user.keyturn("shim", "enable", "aws", "--no-shell-rc").succeeds()
    user.path.insert(0, str(user.data / "shims"))
    user.keyturn("agent", "stop").succeeds()
    before = {path: path.stat().st_mtime_ns for path in user.home.rglob("*.age")}
    assert before
    for shell in SHELLS:
        completer = Completer(user, shell, user.home, user.config / "plugins.sh")
        # Debian's file for zsh offers nothing when it is read first.
        completer.offers("aws s")
        assert len(completer.offers("aws s3 ")) > 5
        if shell == "fish":
            completer.offers("aws s3 ls ")
        completer.close()
        assert not pids_with(str(user.runtime)), "no agent was started"
    assert {path: path.stat().st_mtime_ns for path in before} == before
