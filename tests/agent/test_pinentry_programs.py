"""Which program is chosen, what it is told, and what one gets that is hostile or broken."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from keyturn.agent import pinentry
from keyturn.agent.pinentry import Absent, PinentryAsking
from keyturn.ground.errors import CancelledByPersonError, DeniedError, KeyturnError, UnusableError
from keyturn.ground.settings import Prompt
from keyturn.processes import desktop
from tests.vaults.templates import error_of

CANARY = "canary-EXAMPLE"
GREETING = "print('OK hello', flush=True)\n"
# It obeys until it is to ask; what follows is its answer.
OBEYING = GREETING + (
    "for line in sys.stdin:\n    if line == 'GETPIN\\n': break\n    print('OK', flush=True)\n"
)

Write = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes a program in Python that says what it likes."""

    def write(body: str, name: str = "pinentry-test") -> Path:
        path = tmp_path / name
        path.write_text(f"#!{sys.executable} -IS\nimport sys\n{body}\n")
        path.chmod(0o755)
        return path

    return write


def ask(
    program: Path,
    variables: dict[str, str] | None = None,
    *lines: str,
    warning: str = "",
    seconds: float = 20,
) -> str:
    async def question() -> str:
        running: set[asyncio.subprocess.Process] = set()
        asking = PinentryAsking(str(program), variables or {}, lines, None, seconds, running)
        try:
            return (await asking.run(asking.secret("password: ", warning))).reveal()
        finally:
            assert not running

    return asyncio.run(asyncio.wait_for(question(), 30))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "sys.exit(1)",
        "print('hello')",
        "print('ERR 1 no', flush=True); sys.stdin.read()",
        GREETING + "sys.exit()",
        GREETING
        + "sys.stdin.readline(); print('ERR 5 no OPTION'); print('what?', flush=True); sys.stdin.read()",
        OBEYING + f"print('{CANARY}', flush=True); sys.stdin.read()",
        OBEYING + f"print('D {CANARY}%', flush=True); sys.stdin.read()",
        OBEYING + f"sys.stdout.write('D {CANARY}')",
        OBEYING + "print('INQUIRE X', flush=True); sys.stdin.read()",
        f"sys.stdout.write('{CANARY}' * 1_000_000)",
        "while True: print('# still here')",
        "sys.stdout.buffer.write(bytes(range(256)) * 10)",
        "import os; os.close(0); os.close(1)",
    ],
    ids=range(14),
)
def test_what_a_broken_program_says_is_no_answer(written: Write, body: str) -> None:
    with pytest.raises(UnusableError, match="pinentry-test could not show a window") as caught:
        ask(written(body))
    assert CANARY not in error_of(caught.value)


@pytest.mark.parametrize("program", ["/nonexistent", "/etc/passwd", "/"])
def test_no_program_at_all(program: str) -> None:
    with pytest.raises(UnusableError):
        ask(Path(program))


def test_a_program_that_never_greets_is_given_up(written: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinentry, "START_SECONDS", 0.3)
    with pytest.raises(UnusableError):
        ask(written("sys.stdin.read()"))


def test_a_program_that_ignores_the_time_is_killed(written: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinentry, "GRACE_SECONDS", 0.2)
    with pytest.raises(DeniedError, match="nobody answered in time"):
        ask(
            written("import signal; signal.signal(15, signal.SIG_IGN)\n" + OBEYING + "sys.stdin.read()"),
            seconds=0.3,
        )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (83886179, CancelledByPersonError),
        (99, CancelledByPersonError),
        (114, CancelledByPersonError),
        (83886278, CancelledByPersonError),
        (83886142, DeniedError),
        (83886340, UnusableError),
    ],
)
def test_a_refusal_is_told_from_a_defect(written: Write, code: int, kind: type[KeyturnError]) -> None:
    body = GREETING + (
        "for line in sys.stdin:\n"
        f"    print('ERR {code} no <Pinentry>' if line == 'GETPIN\\n' else 'OK', flush=True)\n"
    )
    with pytest.raises(KeyturnError) as caught:
        ask(written(body))
    assert type(caught.value) is kind


def test_its_children_die_with_it(written: Write, tmp_path: Path) -> None:
    """A window that a child shows would stay, and take a password for nobody."""
    mark = tmp_path / "child"
    body = (
        "import os\n"
        "if os.fork() == 0:\n"
        "    import time\n"
        f"    open({str(mark)!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)\n"
        "sys.stdin.read()\n"
    )

    async def script() -> None:
        asking = PinentryAsking(str(written(body)), {}, (), None, 20)
        task = asyncio.create_task(asking.run(asking.secret("password: ")))
        async with asyncio.timeout(10):
            while not (mark.exists() and mark.read_text()):  # noqa: ASYNC110  # another process writes it
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(script())
    end = time.monotonic() + 5
    while _is_running(mark.read_text()):
        assert time.monotonic() < end, "it outlived the program"
        time.sleep(0.02)


def _is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_the_program_is_told(written: Write, tmp_path: Path) -> None:
    """Each word on one line; of the caller's environment what a window needs; in its arguments nothing."""
    told = tmp_path / "told"
    body = GREETING + (
        "import os, json\n"
        "lines = []\n"
        "for line in sys.stdin:\n"
        "    lines.append(line)\n"
        "    if line == 'GETPIN\\n':\n"
        f"        json.dump([sys.argv[1:], dict(os.environ), os.getcwd(), lines], open({str(told)!r}, 'w'))\n"
        "        print('D a%25b')\n"
        "    print('OK', flush=True)\n"
    )
    caller = {
        b"DISPLAY": b":7",
        b"HOME": b"/home/ada",
        b"LD_PRELOAD": b"/tmp/evil.so",
        b"GTK_MODULES": b"evil",
        b"AWS_SECRET_ACCESS_KEY": CANARY.encode(),
        b"LANG": b"C\nSETPROMPT evil",
    }
    lines = ("100 % of <b>it</b>", "a\nSETOK evil\r", "\x1b[31m" + "x" * 400)
    assert ask(written(body), desktop.variables(caller), *lines, warning="wrong\n(1 of 3)") == "a%b"
    arguments, environment, directory, received = json.loads(told.read_text())
    environment.pop("LC_CTYPE", None)  # the interpreter's own
    assert arguments == []
    assert environment == {"PATH": "/usr/bin:/bin", "DISPLAY": ":7", "HOME": "/home/ada"}
    assert directory == "/"
    assert received == [
        "OPTION grab\n",
        "SETTITLE Keyturn\n",
        f"SETDESC 100 %25 of ‹b›it‹/b›%0Aa·SETOK evil·%0A·[31m{'x' * 114}…\n",  # noqa: RUF001
        "SETPROMPT password: \n",
        "SETERROR wrong·(1 of 3)\n",
        "SETTIMEOUT 20\n",
        "GETPIN\n",
    ]


def test_variables_that_are_not_plain_are_left_out() -> None:
    caller = {
        b"DISPLAY": b":0",
        b"WAYLAND_DISPLAY": b"wayland-0\x00x",
        b"XAUTHORITY": b"relative",
        b"XDG_RUNTIME_DIR": b"/run/user/\xff",
        b"HOME": b"/" + b"x" * 5000,
        b"LANGUAGE": "dé".encode(),
    }
    assert desktop.variables(caller) == {"PATH": "/usr/bin:/bin", "DISPLAY": ":0", "LANGUAGE": "dé"}


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no variable for it")
def test_a_desktop_shows_by_its_variable() -> None:
    assert desktop.is_there({b"DISPLAY": b":0"})
    assert desktop.is_there({b"WAYLAND_DISPLAY": b"wayland-0"})
    assert not desktop.is_there({b"HOME": b"/home/ada", b"DISPLAY": b""})
    assert not desktop.is_there({b"DISPLAY": b":0\n"})


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str | Absent]:
    """Finds a program; the only directory looked at is the test's."""
    monkeypatch.setattr(pinentry, "DIRECTORIES", (str(tmp_path / "none"), str(tmp_path)))

    def find(setting: str = "", **variables: str) -> str | Absent:
        return pinentry.find(Prompt(pinentry=setting), variables, os.getuid())

    return find


Find = Callable[..., str | Absent]


def program(directory: Path, name: str, mode: int = 0o755) -> Path:
    path = directory / name
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_the_first_that_is_there_is_chosen(tmp_path: Path, found: Find) -> None:
    assert isinstance(found(), Absent)
    for name in ("pinentry", "pinentry-qt", "pinentry-gnome3"):
        path = program(tmp_path, name)
        assert found(DBUS_SESSION_BUS_ADDRESS="unix:path=/bus") == str(path)
    assert found() == str(tmp_path / "pinentry-qt"), "GNOME's needs the session bus"


def test_one_for_terminals_is_never_chosen(tmp_path: Path, found: Find) -> None:
    for name in pinentry.ON_TERMINALS:
        (tmp_path / "pinentry").unlink(missing_ok=True)
        (tmp_path / "pinentry").symlink_to(program(tmp_path, name))
        assert isinstance(found(), Absent)
        assert found(str(tmp_path / "pinentry")) == Absent(f"{tmp_path}/pinentry asks on a terminal")


@pytest.mark.parametrize(
    ("mode", "directory_mode", "reason"),
    [
        (0o757, 0o755, "replaced"),
        (0o775, 0o755, "replaced"),
        (0o755, 0o777, "replaced"),
        (0o644, 0o755, "program"),
    ],
)
def test_one_that_others_may_replace_is_refused(
    tmp_path: Path, found: Find, mode: int, directory_mode: int, reason: str
) -> None:
    path = program(tmp_path, "pinentry-qt", mode)
    tmp_path.chmod(directory_mode)
    assert isinstance(found(), Absent)
    refused = found(str(path))
    assert isinstance(refused, Absent)
    assert reason in refused.reason
    tmp_path.chmod(0o755)


@pytest.mark.needs("root")
def test_one_of_another_user_is_refused(tmp_path: Path, found: Find) -> None:
    path = program(tmp_path, "pinentry-qt")
    os.chown(path, 12345, 12345)
    assert isinstance(found(), Absent)


def test_the_setting_wins_and_does_not_fall_through(tmp_path: Path, found: Find) -> None:
    program(tmp_path, "pinentry-qt")
    mine = program(tmp_path, "mine")
    assert found(str(mine)) == str(mine)
    for wrong in ("mine", str(tmp_path / "none"), str(tmp_path)):
        assert isinstance(found(wrong), Absent)
