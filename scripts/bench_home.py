"""A throw-away home with its own agent, set up as a person would, and what can be timed on it."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from keyturn.ground import wire
from keyturn.ground.paths import Directories, resolve
from keyturn.ground.secret import Secret
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.shells import segment, shims
from keyturn.shells.launcher import Interpreter, command
from keyturn.vaults.age import derive
from keyturn.vaults.age.opening import Opening
from scripts.many_items import fill
from tests.programs.user import BIN, User

PASSWORD = "open sesame EXAMPLE"
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIK7MDENGbPxRfiCYzzEXAMPLEKEY"
CALL = ["sts", "get-caller-identity"]
# What a desktop session has around a command; the launcher sends all of it.
VARIABLES = 60


class Home:
    """One user's home; `aws` in it is a copy of `true`."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.directories: Directories = resolve(user.environment, os.getuid())
        self.interpreter = Interpreter(bare=Interpreter.current().bare, own=str(BIN / "python"))
        probes = user.home / "probes"
        probes.mkdir()
        self.probe = probes / "aws"
        shutil.copy(shutil.which("true") or "/bin/true", self.probe)
        user.path.insert(0, str(probes))
        user.variables |= {f"SESSION_VARIABLE_{number}": f"value of {number}" for number in range(VARIABLES)}
        self.environment = user.environment

    def set_up(self, *, quickly: bool = False) -> None:
        """Make an account with a key in it, and sign in; `quickly` with a weak password's derivation."""
        user = self.user
        if quickly:
            user.account(password=PASSWORD)
        user.keyturn(
            "settings", "set", "executables.trusted_directories", f'["{self.probe.parent}"]'
        ).succeeds()
        keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
        init = ["plugin", "init", "aws", "--import-env", "--no-input", "--password-file"]
        user.keyturn(*init, user.password_file(PASSWORD), variables=keys).succeeds()
        self.sign_in()

    def sign_in(self) -> None:
        """Without a terminal: this process and what it starts may use the account."""
        self.user.keyturn("signin", "--password-file", self.user.password_file(PASSWORD)).succeeds()

    @property
    def account(self) -> Path:
        """The directory of the one account."""
        return next(each.parent for each in self.user.home.glob("**/accounts/*/account.age"))

    def add_items(self, count: int) -> None:
        """Fill the vault; the agent is ended for it and unlocked again after it."""
        self.user.keyturn("agent", "stop").succeeds()
        fill(self.account, self.user.state, PASSWORD, count)
        self.sign_in()

    def add_profiles(self, count: int) -> None:
        """An AWS configuration of this many profiles beside the default one."""
        sections = (f"[profile p{number}]\nregion = eu-central-1\noutput = json\n" for number in range(count))
        directory = self.user.home / ".aws"
        directory.mkdir(exist_ok=True)
        (directory / "config").write_text("[default]\nregion = eu-central-1\n" + "".join(sections))

    def add_defaults(self, count: int) -> None:
        """Defaults of this many directories, beside the global one."""

        def change(known: Defaults) -> Defaults:
            items = {"aws": known.everywhere["aws"]}
            places = {f"/srv/projects/project{number}": items for number in range(count)}
            return msgspec.structs.replace(known, directories=places)

        DefaultsFile(self.directories.defaults).change(change)

    @property
    def wrapped(self) -> list[str]:
        return [*command(self.directories, self.interpreter), "aws", *CALL]

    @property
    def shimmed(self) -> list[str]:
        """The same command by a shim; it is on nobody's PATH, so nothing else of these figures changes."""
        shims.enable(self.directories, self.interpreter, ["aws"])
        return [str(self.directories.shims / "aws"), *CALL]

    @property
    def segment(self) -> list[str]:
        segment.renew(self.directories, self.environment, create=True)
        return shlex.split(segment.command(self.directories, self.interpreter))

    def run(self, words: list[str], variables: Mapping[str, str] | None = None) -> float:
        """Seconds from start to end, in this home's environment. Raises RuntimeError if the command fails."""
        environment = {**self.environment, **(variables or {})}
        null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
        start = time.perf_counter()
        pid = os.posix_spawn(words[0], words, environment, file_actions=null)
        _, status = os.waitpid(pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise RuntimeError(f"status {os.waitstatus_to_exitcode(status)}: {' '.join(words)}")
        return seconds

    def ask(self) -> float:
        """Seconds from the connection to the agent's answer, as the launcher asks it."""
        variables = [f"{name}={value}".encode() for name, value in self.environment.items()]
        question = wire.RunRequest(
            b"aws", os.fsencode(self.probe), [os.fsencode(word) for word in CALL], variables
        )
        frame = wire.frame(question.encode())
        start = time.perf_counter()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.connect(str(self.directories.socket))
            stream.sendall(frame)
            with stream.makefile("rb") as answers:
                answer = answers.read(wire.frame_length(answers.read(wire.LENGTH_BYTES)))
        seconds = time.perf_counter() - start
        if answer[:1] != wire.GO:
            raise RuntimeError("the agent did not let the probe run")
        return seconds

    def at_once(self, words: list[str], count: int) -> float:
        """Seconds for as many of a command at the same time. Raises RuntimeError if one fails."""
        start = time.perf_counter()
        running = [
            subprocess.Popen(words, env=self.environment, stdin=subprocess.DEVNULL) for _ in range(count)
        ]
        failed = [process for process in running if process.wait() != 0]
        if failed:
            raise RuntimeError(f"{len(failed)} of {count} parallel commands failed")
        return time.perf_counter() - start

    def item(self, *words: str) -> float:
        """Seconds of `keyturn item …`."""
        return self.run([str(BIN / "keyturn"), "item", *words])

    def add_item(self) -> None:
        """The item “Measured”, for `item get` and `item edit`."""
        self.item("create", "--title", "Measured", "user[text]=ada")

    def unlock(self) -> float:
        """Seconds of `keyturn signin` on a locked account."""
        self.user.keyturn("lock").succeeds()
        start = time.perf_counter()
        self.sign_in()
        return time.perf_counter() - start

    def derivation(self) -> Callable[[], float]:
        """What measures the seconds of the key derivation in an unlock, alone and in this process."""
        task = Opening.with_password(self.account, Secret(PASSWORD)).next_task()
        assert task is not None

        def derivation() -> float:
            start = time.perf_counter()
            if not isinstance(derive.perform(task), derive.Unwrapped):
                raise RuntimeError("the derivation did not open the slot")
            return time.perf_counter() - start

        return derivation

    def agent(self) -> list[int]:
        """The pids of supervisor and keeper."""
        status = json.loads(self.user.keyturn("status", "--format", "json").succeeds().output)["status"]
        keeper = int(status["pid"])
        parent = subprocess.run(
            ["ps", "-o", "ppid=", "-p", str(keeper)], capture_output=True, check=True
        ).stdout
        return [int(parent), keeper]
