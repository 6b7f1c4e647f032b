"""Shims as files, and the files that put their directory first on PATH, in real shells."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.paths import Directories
from keyturn.shells import launcher, path_search, shim_path, shims
from keyturn.shells.launcher import Interpreter
from tests.parts import needs

INTERPRETER = Interpreter(bare=getattr(sys, "_base_executable", sys.executable), own=sys.executable)
SHELLS = {
    "bash": ("bash", "--norc", "-eu"),
    "dash": ("dash", "-eu"),
    "zsh": ("zsh", "-feu"),
    "fish": ("fish", "--no-config"),
}


@pytest.fixture
def directories(home: Path) -> Directories:
    return Directories(*(home / name for name in ("config", "data", "state", "run")))


def test_one_is_written_for_its_owner_and_renewed_when_stale(directories: Directories) -> None:
    assert shims.enabled(directories) == []
    assert shims.enable(directories, INTERPRETER, ["sam", "aws", "aws"]) == ["sam", "aws"]
    assert shims.enable(directories, INTERPRETER, ["aws"]) == []
    assert shims.enabled(directories) == ["aws", "sam"]
    path = directories.shims / "aws"
    assert path.stat().st_mode & 0o777 == 0o700
    assert directories.shims.stat().st_mode & 0o777 == 0o700
    assert shims.renew(directories, INTERPRETER) == []
    path.chmod(0o600)
    (directories.shims / "sam").write_bytes(b"#!/old" + path_search.MARK + b"sam\n")
    assert shims.renew(directories, INTERPRETER) == ["aws", "sam"]
    assert (directories.shims / "sam").read_bytes() == shims.render(directories, INTERPRETER, "sam")
    assert os.access(path, os.X_OK)
    assert shims.disable(directories, ["aws", "other"]) == ["aws"]
    assert shims.disable(directories, ["sam"]) == ["sam"]
    assert not directories.shims.exists()
    assert list(directories.config.iterdir()) == []


def test_what_is_not_ours_stays(directories: Directories) -> None:
    shims.enable(directories, INTERPRETER, ["aws"])
    (directories.shims / "mine").write_text("#!/bin/sh\n")
    assert shims.renew(directories, INTERPRETER) == []
    assert shims.disable(directories, ["mine"]) == []
    with pytest.raises(ConfigurationError, match="no shim of keyturn"):
        shims.enable(directories, INTERPRETER, ["mine"])
    shims.remove_all(directories)
    assert (directories.shims / "mine").read_text() == "#!/bin/sh\n"
    assert [path.name for path in directories.shims.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("interpreter", "data", "why"),
    [
        ("/opt/my python/bin/python3", "data", "a space in it"),
        ("/opt/" + "long/" * 30 + "python3", "data", "too long"),
        ("python3", "data", "cannot hold"),
        (INTERPRETER.bare, "da:ta", "colon"),
    ],
)
def test_where_there_can_be_none_the_reason_is_given(
    home: Path, interpreter: str, data: str, why: str
) -> None:
    directories = Directories(home / "config", home / data, home / "state", home / "run")
    with pytest.raises(ConfigurationError, match=why):
        shims.enable(directories, Interpreter(bare=interpreter, own=interpreter), ["aws"])
    assert not directories.shims.exists()
    assert shims.renew(directories, Interpreter(bare=interpreter, own=interpreter)) == []


def test_the_longest_line_that_is_taken_is_one_that_the_kernel_takes(home: Path) -> None:
    """A copy of the line in a real script: what `refusal` lets pass has to start."""
    room = shims.LONGEST_LINE - len(f"#!/python {launcher.FLAGS}")
    directory = Path("/tmp") / ("k" * (room - len("/tmp/")))
    directories = Directories(*(home / name for name in ("config", "data", "state", "run")))
    interpreter = Interpreter(bare=str(directory / "python"), own=sys.executable)
    assert shims.refusal(directories, interpreter) == ""
    too_long = Interpreter(bare=str(directory / "python3"), own=sys.executable)
    assert "too long" in shims.refusal(directories, too_long)
    directory.mkdir()
    try:
        (directory / "python").symlink_to("/bin/echo")
        script = home / "script"
        script.write_bytes(shims.render(directories, interpreter, "aws"))
        script.chmod(0o700)
        done = subprocess.run([script], capture_output=True, check=True, text=True)
        assert done.stdout == f"{launcher.FLAGS} {script}\n"
    finally:
        (directory / "python").unlink()
        directory.rmdir()


@pytest.mark.parametrize(
    "name", ["with space", "it's", 'quo"te', "back\\slash", "ünïcode", "new\nline", "$(x)`y`*"]
)
def test_any_directory_can_hold_them(home: Path, name: str) -> None:
    """The shim runs from there, as far as the search for the real one; all four shells put it first."""
    directories = Directories(*(home / name / part for part in ("config", "data", "state", "run")))
    launcher.renew(directories, INTERPRETER, create=True)
    shims.enable(directories, INTERPRETER, ["aws"])
    for shell in SHELLS:
        file = shim_path.file_for(directories, shell)
        script = home / "script"
        script.write_text('source "$FILE"\naws\n' if shell == "fish" else '. "$FILE"\naws\n')
        done = subprocess.run(
            [needs(SHELLS[shell][0]), *SHELLS[shell][1:], str(script)],
            env={"PATH": "/nowhere", "HOME": str(home), "FILE": str(file), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (127, b"keyturn: aws: command not found\n"), shell


def test_a_launcher_that_is_gone_is_said_in_a_line(directories: Directories) -> None:
    shims.enable(directories, INTERPRETER, ["aws"])
    done = subprocess.run([directories.shims / "aws"], capture_output=True, check=False, text=True)
    assert done.returncode == 198
    assert done.stderr.splitlines() == [
        "keyturn: the launcher of this shim is gone: " + str(directories.shims / "aws"),
        "  hint: make it anew: keyturn shim enable aws",
    ]


PART = st.sampled_from(
    ["", ".", "/bin", "/usr/bin", "/it's here", "{shims}", "{shims}/", "{shims}x", "a b", "*", "/-e"]
)


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=4, database=None)
@example([["{shims}"]])
@example(
    [
        ["{shims}"],
        ["/bin", "{shims}", "{shims}", "/usr/bin", ""],
        ["", "", "{shims}", ""],
        ["{shims}", "{shims}"],
    ]
)
@given(st.lists(st.lists(PART, min_size=1, max_size=7), min_size=1, max_size=25))
def test_the_directory_becomes_the_first_and_the_rest_stays(
    shell: str, tmp_path_factory: pytest.TempPathFactory, many: list[list[str]]
) -> None:
    """Many PATHs in one shell: starting it is what takes time. Each file is sourced twice."""
    base = tmp_path_factory.mktemp("path")
    directories = Directories(*(base / f"a 'b' {name}" for name in ("config", "data", "state", "run")))
    shims.enable(directories, INTERPRETER, ["aws"])
    own = str(directories.shims)
    lines, wanted = [], []
    for number, parts in enumerate(many):
        search = ":".join(parts).format(shims=own)
        if shell == "fish":
            # To fish, an empty PATH is one empty part.
            search = search or "/bin"
        os.environ[f"P{number}"] = search
        if shell == "fish":
            # fish keeps PATH as a list and an empty part as `.`.
            lines += [f"set -gx PATH (string split : -- $P{number})", 'source "$FILE"', 'source "$FILE"']
            lines += ["string join : -- $PATH"]
        else:
            lines += [f"PATH=$P{number}", '. "$FILE"', '. "$FILE"', "printf '%s\\n' \"$PATH\""]
        kept = search.split(":")
        is_first = kept[0] == own
        rest = ":".join(part for part in kept if part != own)
        wanted.append(search if is_first or not search else f"{own}:{rest}")
    environment = {f"P{number}": os.environ.pop(f"P{number}") for number in range(len(many))}
    script = base / "script"
    # fish's `string join` says by its status whether there was anything to join.
    script.write_text("\n".join([*lines, "true"]) + "\n")
    words = SHELLS[shell]
    done = subprocess.run(
        [needs(words[0]), *words[1:], str(script)],
        env={**environment, "PATH": "/usr/bin:/bin", "HOME": str(base), "LC_ALL": "C.UTF-8",
             "FILE": str(shim_path.file_for(directories, shell))},
        capture_output=True,
        check=True,
        text=True,
    )  # fmt: skip
    assert not done.stderr
    found = done.stdout.splitlines()
    if shell == "fish":
        found = [":".join("" if part == "." else part for part in line.split(":")) for line in found]
        wanted = [":".join("" if part == "." else part for part in line.split(":")) for line in wanted]
    assert found == wanted


# --- the search in the launcher and the one in the CLI ------------------------------------------------------


FIND = """
text = {template!r}
exec(text[: text.rindex("main()")].replace("CONFIGURATION = ()", "CONFIGURATION = {configuration!r}"))
found = []
for search in {searches!r}:
    found.append(find(b"aws", search, [])[0].decode())
print(found)
"""


@settings(max_examples=8, database=None)
@given(st.lists(st.permutations(range(7)).map(lambda order: order[:5]), min_size=1, max_size=40))
def test_launcher_and_cli_find_the_same(
    tmp_path_factory: pytest.TempPathFactory, many: list[list[int]]
) -> None:
    base = tmp_path_factory.mktemp("search")
    directories = Directories(*(base / name for name in ("config", "data", "state", "run")))
    shims.enable(directories, INTERPRETER, ["aws"])
    places = [directories.shims, base / "empty", base / "data/../data/shims", base / "copy", base / "link"]
    for name in ("copy", "one", "two"):
        (base / name).mkdir()
        (base / name / "aws").write_bytes((directories.shims / "aws").read_bytes() if name == "copy" else b"")
        (base / name / "aws").chmod(0o755)
    (base / "link").symlink_to(directories.shims)
    places += [base / "one", base / "two"]
    searches = [":".join(str(places[each]) for each in order) for order in many]
    searches += [f"{each}:{base}/two" for each in searches]
    configuration: tuple[object, ...] = (b"", b"", [], [], os.fsencode(directories.shims), 0)
    script = FIND.format(
        template=launcher.template(),
        configuration=configuration,
        searches=[os.fsencode(each) for each in searches if path_search.find("aws", each, directories.shims)],
    )
    done = subprocess.run([INTERPRETER.bare, "-IS", "-c", script], capture_output=True, check=True, text=True)
    wanted = [found for each in searches if (found := path_search.find("aws", each, directories.shims))]
    assert wanted
    assert done.stdout.strip() == repr(wanted)
    assert not any("data" in each or "copy" in each or "link" in each for each in wanted)
