"""Runs the console blocks of README.md and docs/ and compares what they print with what the page says.

    .venv/bin/python -m scripts.check_docs [PAGE…]

The blocks of a page run in order, in one bash without a terminal, in a home of their own with the product
first on PATH. A command that fails is an error unless the next one is `echo $?`. What is still running when
the page is done, an agent say, is ended.
"""

import ctypes
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scripts.console_blocks import Page, PageError, Step, matches, read_pages
from tests.aws_server.client import AWS, LocalAws
from tests.vaults.databases import make_database
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.stores import PASSPHRASE, making
from tests.vaults.templates import PASSWORD

ROOT = Path(__file__).resolve().parent.parent
SECONDS_PER_PAGE = 100
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def children() -> set[int]:
    pids: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        pids |= {int(pid) for pid in task.read_text().split()}
    return pids


@contextmanager
def nothing_left_running() -> Iterator[None]:
    """Whatever the block starts, detached or not, is ended after it (on Linux; not elsewhere)."""
    if sys.platform != "linux":
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    ours = children()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        # Ending a parent hands its children to us: again, until there are none.
        while left := children() - ours:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0)


@contextmanager
def temporary_home() -> Iterator[Path]:
    # A short path of our own: the path of a socket below it has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="kt-docs-"))
    try:
        (directory / "run").mkdir(mode=0o700)
        (directory / "home").mkdir(mode=0o700)
        yield directory
    finally:
        shutil.rmtree(directory)


def bash_script(steps: list[Step], mark: str) -> str:
    """The commands, with a line after each that says where its output ends and how it ended."""
    lines = [
        "exec 2>&1",
        "shopt -s expand_aliases",
        f"__done() {{ local status=$?; printf '\\n%s %s\\n' {mark} $status; return $status; }}",
    ]
    for step in steps:
        lines += [step.command, "__done"]
    return "\n".join(lines) + "\n"


def run_script(script: str, directory: Path, environment: dict[str, str]) -> str:
    file = directory / "page.sh"
    file.write_text(script)
    output = directory / "output"
    with output.open("wb") as stdout:
        process = subprocess.Popen(
            ["bash", "--norc", str(file)],
            cwd=directory / "home",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            start_new_session=True,  # no terminal
        )
        try:
            process.wait(SECONDS_PER_PAGE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return output.read_text(errors="replace")


def judge(page: Page, steps: list[Step], output: str, mark: str) -> list[str]:
    """What differs, a text for each step that does. `…:LINE: ` first."""
    faults: list[str] = []
    rest = output
    following = [*[step.command for step in steps[1:]], ""]
    for step, after in zip(steps, following, strict=True):
        where = f"{page.name}:{step.line}: $ {step.command}"
        said, found, rest = rest.partition(f"\n{mark} ")
        if not found:
            return [*faults, f"{where}\n  did not end (or ended the shell); it said:\n{indented(said)}"]
        status, _, rest = rest.partition("\n")
        lines = said.rstrip("\n").split("\n") if said.strip("\n") else []
        if not matches(step.expected, lines):
            expected = "\n".join(step.expected)
            faults.append(f"{where}\n  the page says:\n{indented(expected)}\n  it said:\n{indented(said)}")
        elif status != "0" and after != "echo $?":
            faults.append(f"{where}\n  failed with status {status}, and no `echo $?` follows")
    return faults


def indented(text: str) -> str:
    return "\n".join("    " + line for line in text.rstrip("\n").split("\n"))


def run_page(page: Page) -> list[str]:
    """Runs the page's blocks in order; returns what differs from the page."""
    steps = [step for block in page.to_run for step in block.steps]
    if not steps:
        return []
    mark = f"done-{secrets.token_hex(8)}"
    with ExitStack() as stack:
        directory = stack.enter_context(temporary_home())
        path = [str(ROOT / ".venv/bin"), os.environ.get("PATH", os.defpath)]
        environment = {
            "HOME": str(directory / "home"),
            "XDG_RUNTIME_DIR": str(directory / "run"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "COLUMNS": "100",
        }
        if "aws" in page.needs:
            aws = stack.enter_context(LocalAws("ada"))
            files = directory / "home/.aws"
            files.mkdir()
            (files / "config").write_text(aws.config_text())
            (files / "credentials").write_text(aws.credentials_text("ada"))
            (files / "credentials").chmod(0o600)
            environment |= aws.environment()
            path.insert(1, str(AWS.parent))
            if "mfa" in page.needs:
                environment["MFA_SERIAL"] = add_mfa(aws, directory / "home")
        for need, make in VAULTS.items():
            if need in page.needs:
                environment |= stack.enter_context(make(directory / "home"))
        environment["PATH"] = os.pathsep.join(path)
        stack.enter_context(nothing_left_running())
        output = run_script(bash_script(steps, mark), directory, environment)
    return judge(page, steps, output, mark)


def add_mfa(aws: LocalAws, home: Path) -> str:
    """Give ada a device, whose secret is in the file `mfa-secret`, and a role with a profile; the serial."""
    device = aws.add_device("ada")
    (home / "mfa-secret").write_text(device.secret + "\n")
    role = aws.add_role("deploy", ["ada"], needs_mfa=True)
    with (home / ".aws/config").open("a") as config:
        config.write(f"[profile deploy]\nrole_arn = {role}\nsource_profile = default\nregion = eu-west-1\n")
    return device.serial


@contextmanager
def a_database(home: Path) -> Iterator[dict[str, str]]:
    """A KeePassXC database in the home; what opens it is in the file `database-password`."""
    make_database(home / "secrets.kdbx")
    (home / "database-password").write_text(PASSWORD + "\n")
    yield {"QT_QPA_PLATFORM": "offscreen"}


@contextmanager
def a_store(home: Path) -> Iterator[dict[str, str]]:
    """A store of pass where it is looked for; the passphrase of its key is in the file `passphrase`."""
    with making(PASSPHRASE) as store:
        (home / ".password-store").symlink_to(store.root)
        (home / "passphrase").write_text(PASSPHRASE + "\n")
        yield {"GNUPGHOME": str(store.home / ".gnupg")}


@contextmanager
def a_keyring(home: Path) -> Iterator[dict[str, str]]:
    """A desktop's keyring, open, on a bus of the page's own."""
    directory = home.parent / "bus"
    directory.mkdir(mode=0o700)
    with LoginKeyring(directory) as keyring:
        yield {"DBUS_SESSION_BUS_ADDRESS": keyring.bus}


VAULTS = {"keepassxc": a_database, "pass": a_store, "secret-service": a_keyring}


def main(names: list[str]) -> int:
    try:
        pages = read_pages(ROOT)
    except PageError as error:
        print(error)
        return 1
    known = {page.name for page in pages}
    if unknown := set(names) - known:
        print(f"no page with a console block: {', '.join(sorted(unknown))}")
        return 2
    started = time.monotonic()
    faults: list[str] = []
    skipped: list[str] = []
    chosen = [page for page in pages if not names or page.name in names]
    for page in chosen:
        faults += run_page(page)
        skipped += page.skipped
    print("\n".join([*faults, *skipped]), end="\n" if faults or skipped else "")
    blocks = sum(len(page.to_run) for page in chosen)
    seconds = time.monotonic() - started
    print(f"{blocks} blocks run, {len(skipped)} skipped, {len(faults)} faults in {seconds:.1f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
