"""The kit for plugins: asked for on a terminal, checked, tried, shown."""

from __future__ import annotations

import json
import subprocess

from keyturn.ground.errors import Status
from tests.programs.user import BIN, User

PASTED = "wt_Zq8Lm3Xv7Rt2Kp9Ws4Bn6"
NEW = ("plugin", "new", "mytool", "--field", "token=MYTOOL_TOKEN", "--no-input")


def test_the_questions(user: User) -> None:
    terminal = user.terminal()
    terminal.type("keyturn plugin new")
    terminal.answer("the name of the plugin: ", "my-tool")
    terminal.answer("the command that it wraps [my-tool]: ", "mytool")
    terminal.answer("what it talks to [My-tool]: ", "My “Tool”")
    terminal.answer("what the credential is called there [API Token]: ", "")
    terminal.answer("the label of a field [token]: ", "")
    terminal.answer("looks for its token [MY_TOOL_TOKEN]: ", "MY_TOKEN")
    terminal.answer("is the token a secret? [Y/n] ", "")
    terminal.answer("(Enter alone: none): ", PASTED)
    terminal.expect(f"token: {len(PASTED)} characters, begins with “wt_”: uppercase, lowercase, digits")
    terminal.answer("do all of them begin with “wt_”? [Y/n] ", "")
    terminal.answer("has the credential another field? [y/N] ", "y")
    terminal.answer("the label of a field: ", "host name")
    terminal.answer("looks for its host name [MY_TOOL_HOST_NAME]: ", "")
    terminal.answer("is the host name a secret? [Y/n] ", "n")
    terminal.answer("has the credential another field? [y/N] ", "")
    terminal.answer("what needs no credential, parted by commas", "--help, login")
    printed = terminal.ready()
    assert "now set it up: keyturn plugin init mytool" in printed
    assert PASTED not in "\n".join(terminal.screen())
    text = (user.config / "plugins/my-tool.toml").read_text()
    for line in (
        'name = "my-tool"',
        'platform = "My “Tool”"',
        'composition = { length = 24, prefix = "wt_", charset = ["uppercase", "lowercase", "digits"] }',
        'MY_TOKEN = "token"',
        'MY_TOOL_HOST_NAME = "host name"',
        '  { command = ["login"] },',
    ):
        assert line in text.splitlines(), text
    for path in user.config.rglob("*"):
        assert path.is_dir() or PASTED[3:] not in path.read_text()
    assert (user.config / "plugins").stat().st_mode & 0o777 == 0o700
    assert (user.config / "plugins/my-tool.toml").stat().st_mode & 0o777 == 0o600
    printed = user.keyturn("plugin", "examples", "my-tool", "--format", "json").succeeds().output
    assert json.loads(printed)["examples"]["token"].endswith("EXAMPLE")
    assert not list(user.runtime.rglob("*.sock")), "an agent was started"


def test_a_prefix_that_is_none(user: User) -> None:
    """What looks like one may be a word of this very value."""
    terminal = user.terminal()
    terminal.type("keyturn plugin new mytool --runs mytool --platform M --title T --bare login")
    terminal.answer("the label of a field [token]: ", "")
    terminal.answer("[MYTOOL_TOKEN]: ", "")
    terminal.answer("is the token a secret? [Y/n] ", "")
    terminal.answer("(Enter alone: none): ", PASTED)
    terminal.answer("do all of them begin with “wt_”? [Y/n] ", "n")
    terminal.answer("has the credential another field? [y/N] ", "")
    terminal.ready()
    text = (user.config / "plugins/mytool.toml").read_text()
    assert "wt_" not in text
    assert 'specific = "_"' not in text or "length = 24" in text


def test_ctrl_c_writes_nothing(user: User) -> None:
    terminal = user.terminal()
    terminal.type("keyturn plugin new mytool")
    terminal.answer("the command that it wraps [mytool]: ", "")
    terminal.expect("what it talks to")
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert not (user.config / "plugins").exists()


def test_a_name_is_not_taken_twice(user: User) -> None:
    user.keyturn(*NEW).succeeds()
    before = (user.config / "plugins/mytool.toml").read_bytes()
    user.keyturn(*NEW, "--title", "Other").fails(Status.FAILED, "there is a plugin of yours called mytool")
    assert (user.config / "plugins/mytool.toml").read_bytes() == before
    user.keyturn(*NEW, "--title", "Other", "--force").succeeds()
    assert 'title = "Other"' in (user.config / "plugins/mytool.toml").read_text()


def test_a_command_of_a_built_in_plugin(user: User) -> None:
    words = ("plugin", "new", "my-aws", "--runs", "aws", "--field", "token=T", "--no-input")
    user.keyturn(*words).fails(Status.USAGE, "your agreement to take aws over from the built-in plugin")
    assert not (user.config / "plugins").exists()
    user.keyturn(*words, "--take-over").succeeds()
    rows = json.loads(user.keyturn("plugin", "list", "aws", "--format", "json").succeeds().output)["plugins"]
    [row] = [row for row in rows if row["executable"] == "aws"]
    assert (row["plugin"], row["own"]) == ("my-aws", True)


def test_what_cannot_be_meant_is_said_before_anything_is_written(user: User) -> None:
    for words, line in [
        (["new", "--no-input"], "the name of the plugin is missing"),
        (["new", "mytool", "--no-input"], "a field of the credential is missing"),
        (["new", "my tool", "--field", "a=A", "--no-input"], "a plugin's name is"),
        (["new", "mytool", "--field", "a", "--no-input"], "--field takes a label"),
        (["new", "mytool", "--field", "a=A", "--plain", "b", "--no-input"], "no --field is called b"),
        (["new", "mytool", "--field", "a=A", "--example-file", "a=/none", "--no-input"], "cannot be read"),
        (
            ["new", "mytool", "--field", "a=A", "--bare", "--x y", "--no-input"],
            "expected words before options",
        ),
        (["validate", "/nowhere"], "there is no file and no plugin"),
        (["test", "nope"], "there is no file and no plugin nope"),
        (["examples", "nope"], "there is no file and no plugin nope"),
    ]:
        user.keyturn("plugin", *words).fails(Status.USAGE, line)
    user.keyturn("plugin", "new", "aws", "--runs", "x", "--field", "a=A", "--no-input").fails(
        Status.CONFIGURATION, "a built-in plugin is called aws"
    )
    assert not (user.config / "plugins").exists()


def test_validate_names_every_broken_file(user: User) -> None:
    user.keyturn(*NEW).succeeds()
    plugins = user.config / "plugins"
    text = (plugins / "mytool.toml").read_text()
    (plugins / "one.toml").write_text(text.replace('"mytool"', '"one"').replace("runs =", "rnus ="))
    (plugins / "two.toml").write_text(text.replace('"mytool"', '"two"'))
    (user.config / "rules.toml").write_text('[frob]\nnever = ["x"]\n')
    done = user.keyturn("plugin", "validate")
    assert done.status == Status.CONFIGURATION
    lines = [line for line in done.errors.splitlines() if not line.startswith("  hint: ")]
    assert lines[0] == "mytool: a plugin for mytool"
    assert lines[1].endswith("executable[0].rnus: unknown key; did you mean “runs”?")
    assert lines[1].startswith(f"keyturn: {plugins}/one.toml: line ")
    assert lines[2].startswith(f"keyturn: cannot read {plugins}/cases/two.toml: ")
    assert (
        lines[3]
        == f"keyturn: {user.config}/rules.toml: frob: no plugin wraps it; expected a command that one wraps"
    )
    assert len(lines) == 4
    user.keyturn("plugin", "validate", "mytool", "anthropic").succeeds()


def test_a_case_that_does_not_come_out(user: User) -> None:
    user.keyturn(*NEW).succeeds()
    user.keyturn("plugin", "test", "mytool").succeeds()
    path = user.config / "plugins/mytool.toml"
    path.write_text(path.read_text().replace('option = "--help"', 'option = "--halp"'))
    done = user.keyturn("plugin", "test", str(path))
    assert done.status == Status.FAILED
    failure, error, hint = done.errors.splitlines()
    assert failure == "rule[0].bare[1]: “mytool --help” authenticates"
    assert error == "keyturn: one case does not come out"
    assert hint == f"  hint: they are in {user.config}/plugins/cases/mytool.toml"


def test_without_an_agent_one_plugin_file_is_read(user: User) -> None:
    """`aws --version` costs one file, however many plugins there are; so does it beside own ones."""
    user.keyturn(*NEW).succeeds()
    script = (
        "import sys, os; from keyturn.cli import launching; from keyturn.processes import bare;"
        "seen = []; sys.addaudithook(lambda event, args: seen.append(args[0]) if event == 'open' else None);"
        "bare.execute = lambda *a, **k: (print(*[os.path.basename(str(x)) for x in seen"
        " if str(x).endswith('.toml')], flush=True), os._exit(0));"
        "launching.main('__launch', [*sys.argv[1:5], '0', '/bin/true', 'aws', '--version'])"
    )
    directories = [str(user.config), str(user.data), str(user.state), str(user.runtime)]
    done = subprocess.run(
        [str(BIN / "python"), "-c", script, *directories],
        env=user.environment,
        capture_output=True,
        check=False,
    )
    assert done.stdout.split() == [b"mytool.toml", b"aws.toml"], done.stderr
