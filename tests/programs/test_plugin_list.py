"""`keyturn plugin list`: what can be set up, installed or not, configured or not."""

import msgspec
import pytest

from tests.cli.test_start import imported
from tests.programs import golden
from tests.programs.test_plugin_clear import arrange, in_project
from tests.programs.user import User


class Row(msgspec.Struct, forbid_unknown_fields=True):
    executable: str
    name: str
    plugin: str
    platform: str
    credential: str
    required_fields: list[str]
    installed: bool
    configured: bool
    any_credential: bool
    warning: str
    own: bool


class Schema(msgspec.Struct, forbid_unknown_fields=True):
    """All that version 1 of the JSON holds."""

    version: int
    plugins: list[Row]


def listed(user: User, *words: str) -> dict[str, Row]:
    printed = user.keyturn("plugin", "list", *words, "--format", "json").succeeds().output
    found = msgspec.json.decode(printed, type=Schema)
    assert found.version == 1
    return {row.executable: row for row in found.plugins}


def test_as_it_is_printed(user: User) -> None:
    one = ("plugin", "list", "amazon", "web", "services")
    golden.compare("list.txt", user.keyturn(*one).succeeds().output, user.home)
    printed = user.keyturn(*one, "--format", "json").succeeds().output
    golden.compare("list.json", printed, user.home)
    assert msgspec.json.decode(printed, type=Schema).plugins
    assert not user.config.exists(), "to look changes nothing"


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        (["aws"], True),
        (["AMAZON"], True),
        (["web", "cli"], True),
        (["aws", "nothing-of-it"], False),
        (["AMAZ\N{LATIN CAPITAL LETTER O WITH DIAERESIS}N"], False),
    ],
)
def test_words_choose(user: User, words: list[str], fits: bool) -> None:
    assert ("aws" in listed(user, *words)) == fits
    if not fits:
        done = user.keyturn("plugin", "list", *words).succeeds()
        assert (done.output, done.errors) == ("", "no plugin fits\n")


def test_installed_and_configured(user: User) -> None:
    row = listed(user)["aws"]
    assert (row.installed, row.configured) == (True, False)
    arrange(user)
    assert listed(user)["aws"].configured
    shims = user.data / "shims"
    shims.mkdir(parents=True)
    (shims / "aws").write_text("#!/bin/sh\n")
    (shims / "aws").chmod(0o755)
    user.path = [str(user.path[0]), str(shims)]
    assert not listed(user)["aws"].installed, "a shim of ours is no installed command"


def test_a_terminals_own_default_counts(user: User) -> None:
    arrange(user)
    terminal = in_project(user)
    user.keyturn("plugin", "clear", "aws", "--force", directory=user.home / "projects/awesomeProject")
    (user.config / "defaults.json").unlink()
    assert listed(user)["aws"].configured
    terminal.run("keyturn plugin clear aws")
    assert not listed(user)["aws"].configured


@pytest.mark.parametrize(
    ("words", "module"),
    [(["list"], "listing"), (["inspect", "aws"], "inspecting"), (["inspect"], "inspecting")],
)
def test_what_only_looks_imports_little(words: list[str], module: str) -> None:
    """It has a budget; the first of these cost more than the interpreter's own start, the others together."""
    modules = imported("plugin", *words)
    assert f"keyturn.cli.{module}" in modules
    heavy = {"rich", "questionary", "asyncio", "pyrage", "botocore", "keyturn.agent.client"}
    others = {
        "keyturn.cli.setup",
        "keyturn.cli.initializing",
        "keyturn.shells.launcher",
        "keyturn.ground.wire",
    }
    parsing = {"tomllib", "keyturn.sdk.schema"}
    assert not modules & (heavy | others | parsing | {"ctypes", "shutil"})
