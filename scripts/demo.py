"""The main job on real parts: keys leave their plaintext file, and the same `aws` works from the vault.

    make demo       (in another program's vault: make demo BACKEND=keepassxc, pass or secret-service)

A local AWS that checks signatures, the real AWS CLI, an interactive bash on a pseudo-terminal, and a home
that is removed at the end. Every step is checked; what does not show what it should ends the demo with
status 1 and one line. Commands are printed as they were typed, with what they printed.
"""

import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pexpect

from scripts.demo_vaults import MAKERS, Vault
from tests.aws_server.client import AwsUser, LocalAws
from tests.programs.user import Terminal, User

NAME = "ada"
PASSWORD = "open sesame EXAMPLE"
WRONG_SECRET = "wrongwrongwrongwrongwrongwrongEXAMPLEKEY"
IDENTITY = "aws sts get-caller-identity"
IMPORT = "keyturn plugin init aws --import-profile default --title AWS --scope global"
INIT = f"{IMPORT} --no-recovery --preset balanced --remove-plaintext --no-shell-rc"
INIT_ELSEWHERE = f"{IMPORT} --remove-plaintext --no-shell-rc"
EDIT = "keyturn item edit AWS 'secret access key'"
ROUNDS = 3
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NotShownError(Exception):
    """A step did not show what it is there to show."""


def check(shown: bool, otherwise: str) -> None:
    if not shown:
        raise NotShownError(otherwise)


def say(text: str = "") -> None:
    print(text, flush=True)


def step(number: int, title: str) -> None:
    say(f"\n{number}. {title}")


def show(text: str) -> None:
    for line in text.replace("\r\n", "\n").strip("\n").split("\n"):
        say(f"     {line}".rstrip())


def plain(text: str) -> str:
    """Without the control sequences that erase a question."""
    return re.sub(r"\x1b\[\d*[A-Za-z]|\r(?!\n)", "", text)


class Demo:
    """One run; `user` and `aws` are there for its whole length."""

    def __init__(self, user: User, aws: LocalAws, vault: Vault | None) -> None:
        """`vault`: another program's, in the place of Keyturn's own."""
        self.user = user
        self.aws = aws
        self.vault = vault
        self.question = vault.question if vault else "password of account “personal”: "
        self.password = vault.key if vault else PASSWORD
        self.ada: AwsUser = aws.users[NAME]
        self.credentials = user.home / ".aws/credentials"
        user.variables.update(aws.environment())
        user.aws_files(aws.credentials_text(NAME), aws.config_text())
        self.credentials.chmod(0o600)

    def run(self, terminal: Terminal, command: str) -> tuple[str, int]:
        """Type a command that asks nothing; show it and what it printed."""
        show(f"$ {command}")
        printed, status = terminal.run(command)
        if printed.strip():
            show(printed)
        return printed, status

    def answer(self, terminal: Terminal, command: str, *answers: tuple[str, str]) -> str:
        """Type a command and the answers to its questions; what it printed after the last one."""
        show(f"$ {command}")
        terminal.type(command)
        terminal.expect(r"\r\n")
        for question, typed in answers:
            before = plain(terminal.expect(re.escape(question)))
            if before.strip():
                show(before)
            show(f"{question}(typed)")
            terminal.type(typed)
        printed = plain(terminal.ready())
        if printed.strip():
            show(printed)
        return printed

    def plaintext(self) -> Terminal:
        step(1, "An access key in plaintext, as the AWS CLI keeps it. The local AWS knows its user, ada.")
        terminal = self.user.terminal(columns=200)
        show("$ cat ~/.aws/credentials")
        masked = "(40 characters, readable by any program)"
        show(self.credentials.read_text().replace(self.ada.secret_access_key, masked))
        printed, status = self.run(terminal, IDENTITY)
        self.check_identity(printed, status, "with the plaintext key, aws")
        return terminal

    def set_up(self, terminal: Terminal) -> None:
        if self.vault is None:
            step(2, "Set-up: an account with a password, the key into its vault and out of the file.")
            question = "new password for account “personal”: "
            printed = self.answer(terminal, INIT, (question, PASSWORD), ("the same once more: ", PASSWORD))
        else:
            step(2, f"Set-up: {self.vault.title} as an account, the key into it and out of the file.")
            printed = self.set_up_elsewhere(terminal, self.vault)
        check("removed the keys" in printed, "keyturn plugin init did not say that it removed the keys")
        printed, _ = self.run(terminal, "cat ~/.aws/credentials")
        check("aws_secret_access_key" not in printed, "the secret is still in ~/.aws/credentials")
        secret = self.ada.secret_access_key.encode()
        found = [path for path in files_below(self.user.home) if secret in path.read_bytes()]
        check(not found, f"the secret is still readable in {', '.join(map(str, found))}")
        say("   No file in this home contains the secret any more: all of them were searched for it.")
        self.run(terminal, "keyturn lock")

    def set_up_elsewhere(self, terminal: Terminal, vault: Vault) -> str:
        """List the other program's vault, import into it, and see by its own tool that it is there."""
        question = "a password to agree by, for account “Mine”: "
        twice = ((question, vault.key), ("the same once more: ", vault.key))
        self.answer(terminal, vault.list_it, *(twice if vault.is_open else ()))
        printed = self.answer(terminal, INIT_ELSEWHERE, (vault.question, vault.key))
        shown, _ = self.run(terminal, vault.look)
        check("AWS" in shown, "its own tool does not show the item")
        return printed

    def bare_fails(self, terminal: Terminal) -> None:
        step(3, "The bare command has no key now.")
        printed, status = self.run(terminal, IDENTITY)
        check(status != 0 and "credentials" in printed, "bare aws still works without the plaintext key")

    def wrapped_works(self) -> Terminal:
        step(4, "The same words in a new interactive bash that sources plugins.sh.")
        terminal = self.user.terminal(columns=200)
        self.run(terminal, "source ~/.config/keyturn/plugins.sh")
        printed = self.answer(terminal, IDENTITY, (self.question, self.password))
        self.check_identity(printed, 0, "after the password, aws")
        say("   The question was erased when it was answered. The second call asks nothing:")
        printed, status = self.run(terminal, IDENTITY)
        self.check_identity(printed, status, "the second call of aws")
        return terminal

    def check_identity(self, printed: str, status: int, who: str) -> None:
        try:
            arn = json.loads(printed)["Arn"]
        except (ValueError, KeyError, TypeError):
            arn = ""
        check(status == 0 and arn == self.ada.arn, f"{who} did not print the identity {self.ada.arn}")

    def measure(self) -> tuple[float, float]:
        """Median seconds of the bare command with the key in plaintext, and of the wrapped one."""
        step(5, f"Time: bare with the key in plaintext, and wrapped; {ROUNDS} runs of each, in turn.")
        plaintext = self.user.home / "plaintext"
        plaintext.write_text(self.aws.credentials_text(NAME))
        # Without a terminal, signin lets this process and what it starts use the account.
        self.user.keyturn("signin", "--password-file", self.user.password_file(self.password)).succeeds()
        bare = shlex.split(IDENTITY)
        wrapped = self.user.launcher("aws") + bare[1:]
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            taken[0].append(self.timed(bare, {"AWS_SHARED_CREDENTIALS_FILE": str(plaintext)}))
            taken[1].append(self.timed(wrapped, {}))
        plaintext.unlink()
        medians = statistics.median(taken[0]), statistics.median(taken[1])
        show(f"bare    {medians[0] * 1000:4.0f} ms at the median  ({milliseconds(taken[0])})")
        show(f"wrapped {medians[1] * 1000:4.0f} ms at the median  ({milliseconds(taken[1])})")
        return medians

    def timed(self, command: list[str], variables: dict[str, str]) -> float:
        start = time.perf_counter()
        done = self.user.run(*command, variables=variables)
        seconds = time.perf_counter() - start
        self.check_identity(done.output, done.status, "a timed aws")
        return seconds

    def wrong_key_fails(self, terminal: Terminal) -> None:
        step(6, "A wrong secret in the vault: the same command fails, so the local AWS does check it.")
        self.answer(terminal, EDIT, ("secret access key: ", WRONG_SECRET))
        printed, status = self.run(terminal, IDENTITY)
        refused = status != 0 and "SignatureDoesNotMatch" in printed
        check(
            refused,
            "aws was not refused with a wrong secret: signatures are not checked, and nothing is proved",
        )

    def role(self, terminal: Terminal) -> None:
        step(7, "A role that wants a second factor: the code's secret goes into the item; no code is typed.")
        self.answer(terminal, EDIT, ("secret access key: ", self.ada.secret_access_key))
        device = self.aws.add_device(NAME)
        role = self.aws.add_role("deploy", [NAME], needs_mfa=True)
        (self.user.home / "mfa-secret").write_text(device.secret)
        with (self.user.home / ".aws/config").open("a") as config:
            config.write(f"\n[profile deploy]\nrole_arn = {role}\nsource_profile = default\n")
        add = f"keyturn item edit AWS 'one-time password[otp]=@mfa-secret' 'mfa serial[text]={device.serial}'"
        _, status = self.run(terminal, add)
        check(status == 0, "the item did not take the code and the serial")
        (self.user.home / "mfa-secret").unlink()
        self.aws.forget_calls()
        self.run(terminal, "keyturn aws explain --profile deploy")
        check(not self.aws.calls(), "explain asked AWS something")
        command = f"{IDENTITY} --profile deploy --region eu-central-1"
        for _ in range(2):
            printed, status = self.run(terminal, command)
            check(status == 0 and "assumed-role/deploy" in printed, "aws did not run in the role")
        made = [call.action for call in self.aws.calls("GetSessionToken", "AssumeRole")]
        check(made == ["GetSessionToken", "AssumeRole"], f"two commands in the role made {made}")
        say("   Two commands made one session and one role: the second used what the first had got.")


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]


def milliseconds(taken: list[float]) -> str:
    return ", ".join(f"{seconds * 1000:.0f}" for seconds in taken)


def end_by_signals() -> None:
    """A signal ends the demo as an exception would, so that everything is cleaned up."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for number in SIGNALS:
        signal.signal(number, end)


@contextmanager
def undisturbed_end() -> Iterator[None]:
    """What is cleaned up after this block is not interrupted by another Ctrl-C."""
    try:
        yield
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def agent_of(user: User) -> int | None:
    """The pid of the user's agent, if one is running."""
    done = user.keyturn("status", "--format", "json")
    status = json.loads(done.output)["status"] if done.status == 0 else None
    return int(status["pid"]) if status else None


def is_running(pid: int) -> bool:
    return subprocess.run(["kill", "-0", str(pid)], capture_output=True, check=False).returncode == 0


def run(backend: str) -> None:
    started = time.monotonic()
    with ExitStack() as stack:
        aws = stack.enter_context(LocalAws(NAME))
        user = stack.enter_context(User())
        vault = stack.enter_context(MAKERS[backend](user)) if backend else None
        stack.enter_context(undisturbed_end())
        say(f"Keyturn on a local AWS ({aws.endpoint}) in a throw-away home ({user.home}).")
        demo = Demo(user, aws, vault)
        first = demo.plaintext()
        demo.set_up(first)
        demo.bare_fails(first)
        second = demo.wrapped_works()
        bare, wrapped = demo.measure()
        demo.wrong_key_fails(second)
        demo.role(second)
        agent = agent_of(user)
        check(agent is not None, "there is no agent to stop")
    assert agent is not None
    check(not user.home.exists(), f"the home {user.home} is still there")
    check(not is_running(agent), f"the agent, process {agent}, still runs")
    seconds = time.monotonic() - started
    say(f"""
Shown, on the real AWS CLI:
  - with the key in the vault only, bare `aws` fails and the same words in a shell with plugins.sh work;
  - the password was asked once, and the second call was silent;
  - the local AWS checks signatures: with a wrong secret in the vault the command fails;
  - a role that wants a second factor got it from the item, once for two commands;
  - the authenticated command took {wrapped * 1000:.0f} ms where the bare one took {bare * 1000:.0f} ms.
The agent has ended, and the home with all that was in it is removed. {seconds:.0f} s in all.""")


def main() -> int:
    backend = sys.argv[1] if len(sys.argv) > 1 else ""
    if backend and backend not in MAKERS:
        say(f"keyturn demo: no backend is called {backend}; there are {', '.join(MAKERS)}")
        return 2
    end_by_signals()
    try:
        run(backend)
    except NotShownError as error:
        say(f"\nkeyturn demo: failed: {error}")
        return 1
    except (pexpect.TIMEOUT, pexpect.EOF) as error:
        before = str(error).partition("buffer (last 100 chars): ")[2].partition("\n")[0]
        say(f"\nkeyturn demo: failed: the terminal did not show what was expected; it last showed: {before}")
        return 1
    except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        say(f"\nkeyturn demo: failed: {error}")
        return 1
    except SystemExit:
        say("\nkeyturn demo: ended by a signal; the home is removed and the agent has ended")
        raise
    except KeyboardInterrupt:
        say("\nkeyturn demo: interrupted; the home is removed and the agent has ended")
        return 130
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
