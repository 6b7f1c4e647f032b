"""The launcher's files: what is written, and that they stay what this Keyturn would write."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keyturn.ground import wire
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.paths import Directories
from keyturn.shells import launcher
from keyturn.shells.launcher import FLAGS, Interpreter

INTERPRETER = Interpreter(bare=getattr(sys, "_base_executable", sys.executable), own=sys.executable)


@pytest.fixture
def directories(home: Path) -> Directories:
    found = Directories(*(home / name for name in ("config", "data", "state", "run")))
    found.data.mkdir(mode=0o700)
    return found


def texts(directories: Directories) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in launcher.render(directories, INTERPRETER)}


def test_it_is_complete_and_carries_where_everything_is(directories: Directories) -> None:
    code, entry = launcher.render(directories, INTERPRETER).items()
    assert (code[0], entry[0]) == (directories.data / "launcher.py", directories.launcher)
    tree = ast.parse(code[1])
    assert not [
        node for node in tree.body if isinstance(node, ast.Assign) and launcher.PLACE in ast.unparse(node)
    ]
    (value,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONFIGURATION"
    ]
    places = [os.fsencode(place) for place in (directories.config, directories.data, directories.state)]
    assert value == (
        os.fsencode(directories.socket),
        os.fsencode(directories.runtime),
        [os.fsencode(word) for word in INTERPRETER.cli],
        [*places, os.fsencode(directories.runtime)],
        os.fsencode(directories.data / "shims"),
        wire.VERSION,
    )


@pytest.mark.parametrize(
    "name", ["plain", "with space", "it's", 'quo"te', "back\\slash", "ünïcode", "new\nline", "\udcff"]
)
def test_any_directory_can_hold_it(home: Path, name: str) -> None:
    """The launcher runs from there, as far as its own message for a call without a command."""
    directories = Directories(*(home / name / part for part in ("config", "data", "state", "run")))
    assert launcher.renew(directories, INTERPRETER, create=True)
    for _ in ("compiled now", "compiled before"):
        done = subprocess.run(
            [os.fsencode(word) for word in launcher.command(directories, INTERPRETER)],
            env={"LC_ALL": "C"},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"keyturn: the launcher is run by plugins.sh")


def test_it_is_written_once_for_its_owner_alone(directories: Directories) -> None:
    assert launcher.renew(directories, INTERPRETER, create=True)
    assert texts(directories) == launcher.render(directories, INTERPRETER)
    for path in texts(directories):
        assert path.stat().st_mode & 0o777 == 0o700
    written = [path.stat().st_ino for path in texts(directories)]
    assert not launcher.renew(directories, INTERPRETER, create=True)
    assert [path.stat().st_ino for path in texts(directories)] == written


def test_without_create_only_one_that_is_there_is_renewed(directories: Directories) -> None:
    assert not launcher.renew(directories, INTERPRETER, create=False)
    assert not list(directories.data.iterdir())
    directories.launcher.write_bytes(b"old")
    assert launcher.renew(directories, INTERPRETER, create=False)
    assert texts(directories) == launcher.render(directories, INTERPRETER)


def test_another_interpreter_or_a_lost_half_renews_it(directories: Directories) -> None:
    launcher.renew(directories, INTERPRETER, create=True)
    moved = Interpreter(bare=INTERPRETER.bare, own="/opt/other/python")
    assert launcher.renew(directories, moved, create=False)
    assert b"/opt/other/python" in (directories.data / "launcher.py").read_bytes()
    (directories.data / "launcher.py").unlink()
    assert launcher.renew(directories, moved, create=False)
    assert not launcher.renew(directories, moved, create=False)


def test_a_compiled_form_never_outlives_its_text(directories: Directories) -> None:
    """Written within one second and of one size: the interpreter could not tell the two apart."""
    launcher.renew(directories, INTERPRETER, create=True)
    code = directories.data / "launcher.py"
    words = launcher.command(directories, INTERPRETER)
    moment = code.stat().st_mtime_ns
    subprocess.run(words, capture_output=True, check=False)
    (compiled,) = (directories.data / "__pycache__").glob("*.pyc")
    code.write_bytes(code.read_bytes().replace(b"fail(2, ", b"fail(3, "))
    launcher.renew(directories, INTERPRETER, create=True)
    assert not compiled.exists()
    os.utime(code, ns=(moment, moment))
    assert subprocess.run(words, capture_output=True, check=False).returncode == 2


def test_a_directory_that_is_not_ours_alone_gets_none(directories: Directories, home: Path) -> None:
    directories.data.rename(home / "elsewhere")
    directories.data.symlink_to(home / "elsewhere")
    with pytest.raises(ConfigurationError):
        launcher.renew(directories, INTERPRETER, create=True)
    assert not list((home / "elsewhere").iterdir())


def test_nothing_of_the_callers_reaches_the_interpreter(directories: Directories, home: Path) -> None:
    """A module in the working directory or on PYTHONPATH that is called like one of ours is not imported."""
    launcher.renew(directories, INTERPRETER, create=True)
    for name in ("launcher", "posix", "errno", "sitecustomize", "usercustomize", "encodings"):
        (home / f"{name}.py").write_text("raise SystemExit(77)\n")
    variables = {"PYTHONPATH": str(home), "PYTHONSTARTUP": str(home / "errno.py"), "PYTHONHOME": "/none"}
    done = subprocess.run(
        launcher.command(directories, INTERPRETER), cwd=home, env=variables, capture_output=True, check=False
    )
    assert done.returncode == 2


def test_flags_are_one_word() -> None:
    """A `#!` line passes one argument."""
    assert " " not in FLAGS
    assert FLAGS.startswith("-I")
