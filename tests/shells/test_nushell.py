"""`shell-init nu` in the real Nushell: any path and any word arrive, and a line means what it means bare."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyturn.catalogue import loader
from keyturn.ground.errors import ConfigurationError
from keyturn.shells import plugins_sh, quoting, wrappers
from tests.shells import nu

# Nushell's words are text: what is no UTF-8 it does not read.
WORDS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.text("'\"\\$`!#~{}[]()*?&|;<>=%^ \n\r\tab-", max_size=12),
)
NAMES = WORDS.filter(lambda word: bool(word.strip("."))).map(lambda word: word.replace("/", "\\"))
HOSTILE = "-n '\"\"' \\' $(touch planted) `touch planted` ($nu.pid) $env.HOME !! \\\\ \\u{41} \n ; # é *"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A directory with an interpreter that shows its words, a bare `tool`, and files that patterns match."""
    for name in ("interpreter", "bin/tool"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\nprintf '%s' {path.name}; printf '<%s>' \"$@\"; echo\nexit $STATUS\n")
        path.chmod(0o755)
    for name in ("launcher", "a.txt", "b.txt"):
        (tmp_path / name).touch()
    write(tmp_path, "tool")
    return tmp_path


def write(directory: Path, *names: str) -> None:
    command = [str(directory / "interpreter"), "-f", str(directory / "launcher")]
    (directory / "keyturn.nu").write_bytes(plugins_sh.render_for("nu", names, command, "0.115.1"))


@settings(max_examples=10, deadline=None, database=None)
@example([(HOSTILE, ["", HOSTILE, "--", "-", "--help", "-h", "*", "~", "...", "\\"])])
@given(st.lists(st.tuples(NAMES, st.lists(WORDS, max_size=4)), min_size=10, max_size=30))
def test_any_path_and_any_argument_arrive(
    tmp_path_factory: pytest.TempPathFactory, many: list[tuple[str, list[str]]]
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
        command = [f"{place}/show", "-f", f"{place}/launcher"]
        Path(directory, f"{number}.nu").write_bytes(plugins_sh.render_for("nu", [tool], command, "0.115.1"))
        script += f"source {number}.nu\n" + " ".join([tool, *map(quoting.nushell, arguments)]) + "\n"
        wanted += b"".join(word.encode() + b"\0" for word in (*command[1:], tool, *arguments))
    done = nu.run(script, directory)
    assert done.stderr == b""
    assert done.stdout == wanted
    assert done.returncode == 0
    assert not (directory / "planted").exists()


# What Nushell makes of a word is its own affair: it is to be the same.
LINES = (
    'tool --version "a b" `c d` --help -h $"($env.HOME)" "é☃" r#\'$(x)\'# --flag=x -- -y ""',
    "tool ~/x *.txt \"*.txt\" '*.txt' `*.txt` 1.0 0x10 1kb true null",
    'tool --query=\'*.txt\' --file=~/x --q="a b" -q="*.txt"',
    'tool ...[a b "--c d" "*.txt" "~/x"]',
    'let x = "*.txt"; tool $x "$x"',
    'let x = ("*.txt" | into glob); tool $x',
    "tool 2024-01-01 10sec 0b11 1_000 .5 +1 -1 1e5 a,b s3://bucket/x KEY=v (1 + 1)",
    'tool a"b"c --x="a=b c" \\ \\n @file %h',
    "tool x o> out; open out",
    "tool x | str uppercase",
    "let x = (tool x); print $'<($x)>'",
    "[1 2] | each {|n| tool $n } | str join '-'",
    '"in" | ^cat | tool x',
)


FAILING = (
    "tool x | complete | get exit_code",
    "try { tool x } catch {|error| print $error.exit_code }",
    "tool x; print after",
    "let x = (tool x); print $'<($x)>'",
)


def assert_as_bare(tools: Path, script: str, status: str) -> None:
    variables = {"PATH": f"{tools}/bin:/usr/bin:/bin", "STATUS": status}
    bare = nu.run(script, tools, **variables)
    wrapped = nu.run(f"source keyturn.nu\n{script}", tools, **variables)
    words = f"interpreter<-f><{tools}/launcher><tool>"
    # `str uppercase` makes it of the program's own words too.
    said = wrapped.stdout.decode().replace(words, "tool").replace(words.upper(), "TOOL")
    assert said == bare.stdout.decode(), script
    assert wrapped.returncode == bare.returncode, script
    assert bool(wrapped.stderr) == bool(bare.stderr), script


def test_a_line_means_what_it_means_bare(tools: Path) -> None:
    assert_as_bare(tools, "\n".join([*LINES, "tool 'the last'"]), "0")


# A status that is not 0 ends a script.
@pytest.mark.parametrize("line", [LINES[0], *FAILING])
def test_a_status_is_as_bare(tools: Path, line: str) -> None:
    assert_as_bare(tools, line, "7")


def test_sourced_twice_and_the_hash(tools: Path) -> None:
    script = "source keyturn.nu\nsource keyturn.nu\ntool x\nprint $env.KEYTURN_PLUGINS_HASH\n"
    done = nu.run(script, tools, STATUS="0")
    assert done.stderr == b""
    shown, hashed = done.stdout.decode().splitlines()
    assert shown == f"interpreter<-f><{tools}/launcher><tool><x>"
    assert f'"{hashed}"' in (tools / "keyturn.nu").read_text()


@pytest.mark.parametrize("gone", ["interpreter", "launcher"])
def test_where_keyturn_is_gone_the_bare_command_runs(tools: Path, gone: str) -> None:
    (tools / gone).unlink()
    script = 'source keyturn.nu\ntool "a b" --help ""\n'
    done = nu.run(script, tools, PATH=f"{tools}/bin:/usr/bin:/bin", STATUS="7")
    assert done.stdout.decode() == "tool<a b><--help><>\n"
    assert done.stderr.decode().splitlines()[0] == "tool".join(wrappers.GONE)
    assert done.returncode == 7


def test_every_command_of_the_catalogue_can_be_a_name(tools: Path) -> None:
    """Also one that Nushell has a command of the same name for, or that begins with a digit."""
    names = sorted({*loader.listed(), "7z", "open", "ls", "a.b+c-d"})
    assert len(names) > 90
    write(tools, *names)
    done = nu.run("source keyturn.nu\n" + "".join(f"{name} x\n" for name in names), tools, STATUS="0")
    wanted = [f"interpreter<-f><{tools}/launcher><{name}><x>" for name in names]
    assert done.stdout.decode().splitlines() == wanted
    assert done.stderr == b""


def test_a_version_that_does_not_know_the_completer() -> None:
    """0.107 took the attribute for a mistake, and read nothing of the file."""
    text = {
        version: plugins_sh.render_for("nu", ["aws"], ["/python", "/launcher"], version).decode()
        for version in ("", "0.107.0", "0.108.0", "0.115.1", "1.0.0", "nightly", "0.99999999999999")
    }
    with_it = {version for version, written in text.items() if written.startswith("@complete external\n")}
    assert with_it == {"0.108.0", "0.115.1", "1.0.0"}
    assert len(set(text.values())) == 2


@pytest.mark.parametrize("shell", ["nu", "pwsh"])
def test_a_path_that_is_no_text_is_refused(shell: str) -> None:
    command = ["/python", os.fsdecode(b"/\xff/launcher")]
    with pytest.raises(ConfigurationError, match="no UTF-8") as raised:
        plugins_sh.render_for(shell, ["aws"], command)
    assert raised.value.hints


def test_a_word_of_nushells_own_is_left_out_and_the_others_work(tools: Path) -> None:
    """All of them, as this Nushell lists them: a plugin of a person's own may wrap a command called so."""
    listed = nu.run('scope commands | where type == "keyword" | get name | to text', tools)
    assert listed.returncode == 0, listed.stderr
    keywords = {line.split()[0] for line in listed.stdout.decode().splitlines()}
    assert len(keywords) > 20
    write(tools, *sorted(keywords), "tool")
    done = nu.run(f"source {tools}/keyturn.nu\ntool a", tools)
    assert (done.returncode, done.stdout) == (0, f"interpreter<-f><{tools}/launcher><tool><a>\n".encode()), (
        done.stderr
    )
