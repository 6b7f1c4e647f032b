"""`plugins.sh` in real shells: each reads its part, and what is wrapped gets exactly its words."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyturn.ground.errors import ConfigurationError
from keyturn.shells import plugins_sh, quoting, wrappers
from tests.parts import needs

SHELLS = ("bash", "zsh", "fish", "dash")
# Strict ones, as a script of somebody's has them; fish has none.
FLAGS = {
    "bash": ("--norc", "-eu", "-O", "expand_aliases"),
    "zsh": ("-f", "-eu"),
    "fish": ("--no-config",),
    "dash": ("-eu",),
}
ALLOWED = "aZ09_./+@%=:,() -"
COMMAND = ["/bin/echo", "-n", "/bin/cat"]


def run(shell: str, script: str, directory: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    path = directory / f"script.{shell}"
    path.write_bytes(os.fsencode(script))
    return subprocess.run(
        [needs(shell), *FLAGS[shell], str(path)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8", **more},
        cwd=directory,
        capture_output=True,
        check=False,
        timeout=60,
    )


def quoted(shell: str, word: str) -> str:
    return quoting.fish(word) if shell == "fish" else quoting.posix(word)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A directory with an interpreter that shows its words, and a bare `tool` on PATH."""
    for name in ("interpreter", "tool"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\nprintf '%s' {name}; printf '<%s>' \"$@\"; echo\nexit 7\n")
        path.chmod(0o755)
    (tmp_path / "launcher").touch()
    (tmp_path / "plugins.sh").write_bytes(
        plugins_sh.render(["tool"], [str(tmp_path / "interpreter"), "-f", str(tmp_path / "launcher")])
    )
    return tmp_path


def lines(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    assert done.stderr == b"", done.stderr
    return done.stdout.decode().splitlines()


# Whatever a file system and exec take: no NUL, no `/` in a name, and bytes that are no text.
WORDS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.text("'\"\\$`!#~{}[]()*?&|;<>=%^ \n\r\tab-", max_size=12),
    st.binary(max_size=8).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"-"))),
)
NAMES = WORDS.filter(lambda word: bool(word.strip("."))).map(lambda word: word.replace("/", "\\"))
HOSTILE = "-n '\"\"' \\' $(touch planted) `touch planted` ${HOME} !! \\\\ \n ; # é \udcff \\"


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=6, deadline=None, database=None)
@example([(HOSTILE, ["", HOSTILE, "--", "-", "=sh", "%self", "~", "*", "\\'", "\\", "'"])])
@given(st.lists(st.tuples(NAMES, st.lists(WORDS, max_size=4)), min_size=10, max_size=30))
def test_any_path_and_any_argument_arrive(
    shell: str, tmp_path_factory: pytest.TempPathFactory, many: list[tuple[str, list[str]]]
) -> None:
    """Many wrappers in one shell: starting it is what takes time. Each has a directory of its own name."""
    directory = tmp_path_factory.mktemp("words")
    script, wanted = "", b""
    for number, (name, arguments) in enumerate(many):
        place = f"{directory}/{number}{name}"
        os.mkdir(place)
        Path(place, "show").write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
        os.chmod(f"{place}/show", 0o755)
        Path(place, "launcher").touch()
        tool = f"tool-{number}"
        rendered = plugins_sh.render([tool], [f"{place}/show", "-f", f"{place}/launcher"])
        Path(place, "plugins.sh").write_bytes(rendered)
        # zsh's `.` looks for a name without `/` on PATH; all of these have one.
        script += f". {quoted(shell, f'{place}/plugins.sh')}\n"
        script += " ".join([tool, *(quoted(shell, word) for word in arguments)]) + "\n"
        words = ["-f", f"{place}/launcher", tool, *arguments]
        wanted += b"".join(os.fsencode(word) + b"\0" for word in words)
    done = run(shell, script, directory)
    assert done.stderr == b""
    assert done.stdout == wanted
    assert done.returncode == 0
    assert not (directory / "planted").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_sourced_twice_with_a_status_and_a_hash(tools: Path, shell: str) -> None:
    """Story 73: under `set -eu`, and again."""
    status = "$status" if shell == "fish" else "$?"
    after = f"; or echo {status}" if shell == "fish" else f"|| echo {status}"
    script = f". ./plugins.sh\n. ./plugins.sh\ntool 'a b' ''{after}\necho $KEYTURN_PLUGINS_HASH\n"
    launcher = tools / "launcher"
    hashed = plugins_sh.current_hash(tools / "plugins.sh")
    assert len(hashed) == 16
    assert lines(run(shell, script, tools)) == [f"interpreter<-f><{launcher}><tool><a b><>", "7", hashed]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("gone", ["interpreter", "launcher"])
def test_where_keyturn_is_gone_the_bare_command_runs(tools: Path, shell: str, gone: str) -> None:
    """An upgraded Python must not kill every wrapped command. It is said once."""
    (tools / gone).unlink()
    ignored = "; or true" if shell == "fish" else "|| true"
    script = f". ./plugins.sh\ntool 'a b' ''{ignored}\ntool again{ignored}\ntool last\n"
    done = run(shell, script, tools, PATH=f"{tools}:/usr/bin:/bin")
    assert done.stdout.decode().splitlines() == ["tool<a b><>", "tool<again>", "tool<last>"]
    [said] = done.stderr.decode().splitlines()
    assert said == "keyturn: ".join(["", "tool" + wrappers.GONE[1]])
    assert done.returncode == 7


@pytest.mark.parametrize("shell", SHELLS)
def test_a_tool_that_is_missing(tools: Path, shell: str) -> None:
    """Sourcing says nothing of it. Without Keyturn too, the shell says what it says of any such command."""
    (tools / "tool").unlink()
    (tools / "launcher").unlink()
    assert lines(run(shell, ". ./plugins.sh\n", tools)) == []
    done = run(shell, ". ./plugins.sh\ntool\n", tools)
    assert b"not found" in done.stderr or b"Unknown command" in done.stderr
    assert done.returncode == 127


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_persons_own_aliases_stay(tools: Path, shell: str, when: str) -> None:
    """Story 65, and an alias of the command's own name, which goes to the function."""
    own = "alias tool='tool --no-pager'\nalias br=tool\n"
    script = {"before": f"{own}. ./plugins.sh\n", "after": f". ./plugins.sh\n{own}"}[when]
    shown = lines(run(shell, f"{script}tool x || true\nbr y || true\n", tools))
    words = f"interpreter<-f><{tools}/launcher><tool><--no-pager>"
    assert shown == [f"{words}<x>", f"{words}<y>"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_another_name_for_it_in_fish(tools: Path, when: str) -> None:
    """There an alias is a function: one of the command's own name would replace the wrapper."""
    own = "alias br='tool --no-pager'\n"
    script = {"before": f"{own}. ./plugins.sh\n", "after": f". ./plugins.sh\n{own}"}[when]
    shown = lines(run("fish", f"{script}br y; or true\n", tools))
    assert shown == [f"interpreter<-f><{tools}/launcher><tool><--no-pager><y>"]


@pytest.mark.parametrize("mode", [("bash", "--posix"), ("zsh", "--emulate", "sh"), ("dash",)])
def test_shells_that_only_know_sh(tools: Path, mode: tuple[str, ...]) -> None:
    """bash as sh refuses functions with `-` in their names: it has to get aliases."""
    needs(mode[0])
    (tools / "plugins.sh").write_bytes(plugins_sh.render(["a-tool"], [str(tools / "interpreter")]))
    script = ". ./plugins.sh\na-tool x || true\n"
    (tools / "script").write_text(script)
    done = subprocess.run([*mode, "-eu", "script"], cwd=tools, capture_output=True, check=False)
    assert lines(done) == ["interpreter<a-tool><x>"]


def test_what_bash_reads_is_posix_grammar(tools: Path) -> None:
    """bash 3.2 is not at hand. What a shell with POSIX's grammar alone parses, it parses too: so the
    part is given to dash, with POSIX's way to name a function."""
    text = (tools / "plugins.sh").read_text()
    part = text[text.index("# bash and zsh\n") : text.index("# zsh\n")]
    plain, count = re.subn(r"^function (\S+) \{$", r"\1() {", part, flags=re.MULTILINE)
    assert count == 1
    (tools / "part").write_text(plain)
    done = subprocess.run([needs("dash"), "-n", "part"], cwd=tools, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    # And no builtin's flag or variable that came with bash 4.
    newer = r"declare|mapfile|readarray|BASHPID|wait -n|local -n|EPOCH|\^\^|,,|@Q|-v "
    assert not re.findall(newer, part)
    assert re.findall(newer, "declare -g x"), "the pattern finds them"


def test_what_the_file_wraps(tmp_path: Path) -> None:
    path = tmp_path / "plugins.sh"
    assert plugins_sh.wrapped(path) == []
    assert plugins_sh.current_hash(path) == ""
    assert plugins_sh.update(path, ["cdk", "aws", "aws"], COMMAND)
    assert plugins_sh.wrapped(path) == ["aws", "cdk"]
    assert not plugins_sh.update(path, ["aws"], COMMAND), "nothing is to be changed"
    first = plugins_sh.current_hash(path)
    assert plugins_sh.remove(path, ["aws"], COMMAND)
    assert plugins_sh.wrapped(path) == ["cdk"]
    second = plugins_sh.current_hash(path)
    plugins_sh.update(path, [], ["/another", "launcher"])
    assert len({first, second, plugins_sh.current_hash(path)}) == 3
    plugins_sh.remove(path, ["cdk"], COMMAND)
    assert plugins_sh.wrapped(path) == []


def test_a_file_of_aliases_is_taken_over(tmp_path: Path) -> None:
    """As Keyturn wrote it before wrappers were functions."""
    path = tmp_path / "plugins.sh"
    path.write_text("# written\nalias aws='/python -IS /launcher aws'\nexport KEYTURN_PLUGINS_HASH=0123\n")
    assert plugins_sh.wrapped(path) == ["aws"]
    assert plugins_sh.update(path, [], COMMAND)
    assert plugins_sh.wrapped(path) == ["aws"]
    assert "function aws {" in path.read_text()


def test_a_name_that_is_no_function_name_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "plugins.sh"
    plugins_sh.update(path, ["-x", "a;b", "a b", "$(x)", "", "\n", "ok-1"], COMMAND)
    assert plugins_sh.wrapped(path) == ["ok-1"]


@given(st.text(max_size=30))
def test_a_line_for_all_shells_has_only_harmless_characters(word: str) -> None:
    try:
        written = plugins_sh.quote(word)
    except ConfigurationError:
        assert not word or not set(word) <= set(ALLOWED) - {"-"} or not word.isascii()
        return
    assert written in (word, f'"{word}"')
    assert not set(word) & set("'\"\\$`!\n\r\t*?[]{}~#&;<>|^")
