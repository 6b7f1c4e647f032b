"""`keyturn shim`: what it writes, says and asks, and that nothing is left of it afterwards."""

import json
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.parts import needs
from tests.programs.shimmed import AWS, script, shims
from tests.programs.test_plugin_uninstall import tree
from tests.programs.user import User

BEFORE = {
    ".bashrc": b"# mine\nPS1='ready> '",
    ".zshrc": b"# from elsewhere\r\n",
    ".config/fish/config.fish": None,
}


def enable(user: User, *more: str) -> str:
    return user.keyturn("shim", "enable", "aws", *more).succeeds().errors


def rows(user: User, **more: str) -> list[dict[str, object]]:
    found = json.loads(user.keyturn("shim", "list", "--format", "json", variables=more).succeeds().output)
    assert found["version"] == 1
    return list(found["shims"])


def line(user: User) -> str:
    return f"source {user.config}/shims.sh"


def test_it_is_enabled_for_what_is_set_up_or_named(user: User) -> None:
    user.keyturn("shim", "enable").fails(Status.USAGE, "which command")
    user.keyturn("shim", "enable", "nosuch").fails(Status.USAGE, "no plugin wraps nosuch")
    assert not user.data.exists()
    done = user.keyturn("shim", "enable", "aws").succeeds()
    assert done.errors.splitlines() == [
        "shims for aws are in ~/.local/share/keyturn/shims",
        "note: aws is not set up yet: keyturn plugin init aws",
        "source this in your shell's start-up file, and in this shell:",
    ]
    assert done.output == f"{line(user)}\n"
    assert "there already" in enable(user)
    (found,) = rows(user)
    assert (found["first"], found["path"]) == (False, str(shims(user) / "aws"))
    found = rows(user, PATH=f"{shims(user)}:/nowhere")[0]
    assert (found["first"], found["runs"], found["before"]) == (True, "", "")
    real = script(user.home / "tools/aws", AWS)
    found = rows(user, PATH=f"{real.parent}:{shims(user)}")[0]
    assert (found["first"], found["before"], found["runs"]) == (False, str(real), str(real))


def test_a_dry_run_changes_nothing(user: User) -> None:
    before = tree(user)
    said = enable(user, "--dry-run")
    assert "would write shims for aws" in said
    assert tree(user) == before
    enable(user)
    there = tree(user)
    done = user.keyturn("shim", "disable", "--all", "--dry-run").succeeds()
    assert done.output == "would remove the shim for aws\n"
    assert tree(user) == there


@pytest.mark.parametrize("how", ["disable", "disable --all", "uninstall"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_taken_away_it_leaves_start_up_files_and_path_as_they_were(user: User, shell: str, how: str) -> None:
    needs(shell)
    for name, content in BEFORE.items():
        if content is not None:
            (user.home / name).write_bytes(content)
    user.variables["SHELL"] = f"/bin/{shell}"
    script(user.home / "tools/aws", AWS)
    user.path.insert(0, str(user.home / "tools"))
    show = [needs(shell), "-ic", "string join : $PATH" if shell == "fish" else 'echo "$PATH"']

    def path_of_new_shell() -> str:
        return user.run(*show).succeeds().output.splitlines()[-1]

    files, search = tree(user), path_of_new_shell()
    enable(user, "--shell-rc")
    assert path_of_new_shell() == f"{shims(user)}:{search}"
    inner = {"PATH": f"{shims(user)}:{search}"}
    assert user.run(*show, variables=inner).output.splitlines()[-1] == f"{shims(user)}:{search}"
    words = ["plugin", "uninstall", "--all", "--yes"] if how == "uninstall" else ["shim", *how.split()]
    user.keyturn(*words, *(["aws"] if how == "disable" else [])).succeeds()
    assert path_of_new_shell() == search
    # fish writes this one when it starts.
    left = {name: text for name, text in tree(user).items() if "fish_variables" not in name}
    if how != "uninstall":
        # The launcher is everybody's; uninstalling takes it.
        left = {name: text for name, text in left.items() if "/keyturn/launcher" not in name}
        left = {name: text for name, text in left.items() if "/keyturn/__pycache__/" not in name}
    assert left == files
    assert not shims(user).exists()


def test_a_line_that_is_part_of_more_stays_and_finds_a_file(user: User) -> None:
    enable(user)
    (user.home / ".bashrc").write_text(f"if true; then\n{line(user)}\nfi\n")
    said = user.keyturn("shim", "disable", "--all").succeeds().errors
    assert "left in ~/.bashrc, line 2: it is part of more" in said
    done = user.run(needs("bash"), "-ic", 'echo "$PATH"').succeeds()
    assert str(shims(user)) not in done.output
    assert "shims.sh" not in done.errors
    assert not shims(user).exists()


def test_one_of_several_goes_alone(user: User) -> None:
    user.keyturn("shim", "enable", "aws", "sam").succeeds()
    user.keyturn("shim", "disable").fails(Status.USAGE, "either executables or --all")
    done = user.keyturn("shim", "disable", "sam", "cdk").succeeds()
    assert done.errors.splitlines() == ["there is no shim for cdk", "removed the shim for sam"]
    assert [row["executable"] for row in rows(user)] == ["aws"]
    user.keyturn("plugin", "uninstall", "--all", "--yes").succeeds()
    assert rows(user) == []
    assert not (user.config / "shims.sh").exists()


def test_any_command_renews_a_stale_one(user: User) -> None:
    enable(user)
    shim = shims(user) / "aws"
    text = shim.read_bytes()
    shim.write_bytes(text.replace(b"#!", b"#!/old"))
    user.keyturn("status").succeeds()
    assert shim.read_bytes() == text


def test_where_the_interpreter_forbids_it_nothing_is_written(user: User, tmp_path: Path) -> None:
    """The whole program with an interpreter in a directory with a space: a copy of the environment's link."""
    place = user.home / "my python"
    place.mkdir()
    (place / "python").symlink_to(Path(__file__).resolve().parents[2] / ".venv/bin/python")
    code = (
        "import sys; sys._base_executable = {!r}; sys.argv = ['keyturn', 'shim', 'enable', 'aws'];"
        "from keyturn.cli.main import main; main()"
    ).format(str(place / "python"))
    done = user.run(str(Path(__file__).resolve().parents[2] / ".venv/bin/python"), "-c", code)
    done.fails(Status.CONFIGURATION, "it has a space in it")
    assert "keyturn plugin run --" in done.errors
    assert not user.data.exists()
