"""The caller's files: found and read as botocore does, without its ways to hang or to tell secrets."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from botocore.exceptions import ConfigParseError
from botocore.session import Session

from keyturn.aws import config
from keyturn.aws.config import ConfigurationCache, locate
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.files import FileIdentity

CANARY = "canary/EXAMPLE"

ODD_FILES = tomllib.loads((Path(__file__).parent / "odd_files.toml").read_text())


def environment(home: Path, **others: str) -> dict[str, str]:
    return {"HOME": str(home), **others}


def write(home: Path, config_text: str | None, credentials: str | None) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    for name, text in (("config", config_text), ("credentials", credentials)):
        if text is not None:
            (home / ".aws" / name).write_bytes(text.encode())


@pytest.mark.parametrize("name", ODD_FILES)
def test_profiles_are_what_botocore_reads(name: str, home: Path) -> None:
    """What botocore refuses is refused; the rest means the same."""
    write(home, ODD_FILES[name].get("config"), ODD_FILES[name].get("credentials"))
    try:
        theirs = Session().full_config
    except ConfigParseError:
        with pytest.raises(ConfigurationError):
            ConfigurationCache().load(environment(home), "/")
        return
    found = ConfigurationCache().load(environment(home), "/")
    assert found.profiles == theirs["profiles"]
    assert found.services == theirs.get("services", {})


def test_there_are_odd_files_enough() -> None:
    assert len(ODD_FILES) >= 60
    assert all(set(each) <= {"config", "credentials"} for each in ODD_FILES.values())


BROKEN = {
    "twice": (f"[p]\n[q]\n[p]\naws_secret_access_key = {CANARY}\n", "line 3: a section stands here twice"),
    "key twice": (f"[p]\na = {CANARY}\na = {CANARY}\n", "line 3: a key stands twice"),
    "headless": (f"aws_secret_access_key = {CANARY}\n", "line 1: text before the first section"),
    "with a mark": (f"\ufeff[p]\naws_secret_access_key = {CANARY}\n", "line 1: text before the first"),
    "no key": (f"[p]\n{CANARY}\n", "line 2: not as AWS's files are written"),
    "no nested key": (f"[p]\ns3 =\n  {CANARY}\n", "not as AWS's files are written"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_an_error_that_does_not_repeat_it(name: str, home: Path) -> None:
    content, expected = BROKEN[name]
    write(home, None, content)
    with pytest.raises(ConfigurationError) as caught:
        ConfigurationCache().load(environment(home), "/")
    assert expected in caught.value.message
    assert str(home / ".aws/credentials") in caught.value.message
    assert CANARY not in repr(caught.value) + str(caught.value.hints)


def test_a_file_that_is_not_utf8(home: Path) -> None:
    write(home, "", None)
    (home / ".aws/config").write_bytes(b"[default]\nx = \xff\n")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        ConfigurationCache().load(environment(home), "/")


def test_values_are_in_no_repr(home: Path) -> None:
    write(home, None, f"[p]\naws_secret_access_key = {CANARY}\n")
    found = ConfigurationCache().load(environment(home), "/")
    assert CANARY not in repr(found)


PLACES = [
    ("x", "{cwd}/x"),
    ("./x", "{cwd}/./x"),
    ("/abs/x", "/abs/x"),
    ("~/x", "{home}/x"),
    ("~", "{home}"),
    ("~root/x", None),
    ("~no-such-user-at-all/x", "{cwd}/~no-such-user-at-all/x"),
    ("$HOME/x", "{home}/x"),
    ("${HOME}/x", "{home}/x"),
    ("$HOME", "{home}"),
    ("a~/x", "{cwd}/a~/x"),
    ("100%/$", "{cwd}/100%/$"),
]


@pytest.mark.parametrize(("written", "expected"), PLACES)
def test_where_the_files_are(
    written: str, expected: str | None, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = locate(environment(home, AWS_CONFIG_FILE=written), str(tmp_path)).config
    botocore = os.path.join(tmp_path, os.path.expanduser(os.path.expandvars(written)))
    assert str(found) == os.path.normpath(botocore)
    if expected is not None:
        assert str(found) == os.path.normpath(expected.format(cwd=tmp_path, home=home))


def test_an_empty_home_is_the_root_as_for_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    found = locate({"HOME": ""}, "/x").config
    assert str(found) == os.path.expanduser("~/.aws/config") == "/.aws/config"


def test_a_variable_that_is_not_known_is_an_error(home: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"AWS_CONFIG_FILE holds \$SOMEWHERE"):
        locate(environment(home, AWS_CONFIG_FILE="$SOMEWHERE/config"), "/")


def test_an_empty_variable_means_no_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "[default]\nregion = a\n", "[p]\nx = y\n")
    empty = {"AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""}
    for name, value in empty.items():
        monkeypatch.setenv(name, value)
    found = ConfigurationCache().load(environment(home, **empty), "/")
    assert found.profiles == Session().full_config["profiles"] == {}


@pytest.mark.parametrize("place", ["/dev/null", "/", "/nowhere/at/all", "{home}/file/below"])
def test_what_is_no_file_to_botocore_is_none_here(
    place: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("")
    place = place.format(home=home)
    monkeypatch.setenv("AWS_CONFIG_FILE", place)
    found = ConfigurationCache().load(environment(home, AWS_CONFIG_FILE=place), "/")
    assert found.profiles == Session().full_config["profiles"] == {}


@pytest.mark.timeout(10)
def test_a_pipe_is_refused_unopened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open it, even without waiting, would let its writer go on into a broken pipe."""
    os.mkfifo(home / "pipe")
    monkeypatch.setattr(config, "opened", None)
    with pytest.raises(ConfigurationError, match="pipe is not a regular file"):
        ConfigurationCache().load(environment(home, AWS_SHARED_CREDENTIALS_FILE="~/pipe"), "/")


@pytest.mark.timeout(10)
def test_a_file_that_turns_into_a_pipe_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(home / "pipe")
    regular = os.stat(__file__)
    monkeypatch.setattr(config, "_look", lambda path: FileIdentity.of(regular))
    with pytest.raises(ConfigurationError, match="pipe is not a regular file"):
        ConfigurationCache().load(environment(home, AWS_CONFIG_FILE="~/pipe"), "/")


@pytest.mark.parametrize("place", ["/dev/fd/{fd}", "/proc/self/fd/{fd}", "/dev/../dev/fd/{fd}", "/dev/stdin"])
def test_another_process_s_descriptor_is_not_ours(place: str, home: Path) -> None:
    """The caller's /dev/fd/63 would be a file of the agent's own here."""
    write(home, "[profile of-the-agent]\n", None)
    with (home / ".aws/config").open() as stream:
        place = place.format(fd=stream.fileno())
        with pytest.raises(ConfigurationError, match="is not a regular file"):
            ConfigurationCache().load(environment(home, AWS_CONFIG_FILE=place), "/")


def test_a_huge_file_is_refused(home: Path) -> None:
    write(home, "", None)
    os.truncate(home / ".aws/config", config.LARGEST + 1)
    with pytest.raises(ConfigurationError, match="is larger than"):
        ConfigurationCache().load(environment(home), "/")


def test_a_symlink_is_followed(home: Path) -> None:
    write(home, None, None)
    (home / "real").write_text("[profile p]\nregion = a\n")
    (home / ".aws/config").symlink_to("../real")
    assert "p" in ConfigurationCache().load(environment(home), "/").profiles


def test_a_file_is_parsed_once_until_it_changes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse_file = config.parse_file

    def counted(name: str, shown: str) -> config.ParsedFile:
        parsed.append(shown)
        return parse_file(name, shown)

    monkeypatch.setattr(config, "parse_file", counted)
    write(home, "[profile a]\n", "[b]\n")
    cache = ConfigurationCache()
    first = cache.load(environment(home), "/")
    assert cache.load(environment(home), "/elsewhere") is first
    assert len(parsed) == 2
    (home / ".aws/config").write_text("[profile longer]\n")
    assert sorted(cache.load(environment(home), "/").profiles) == ["b", "longer"]
    assert len(parsed) == 3
    os.utime(home / ".aws/credentials", ns=(1, 1))
    cache.load(environment(home), "/")
    assert len(parsed) == 4


def test_no_descriptor_is_left_open(home: Path) -> None:
    write(home, "[default]\n", "broken\n")
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(ConfigurationError):
            ConfigurationCache().load(environment(home), "/")
    assert len(os.listdir("/dev/fd")) == before
