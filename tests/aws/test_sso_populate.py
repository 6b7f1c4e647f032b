"""Profiles are added to config files of every kind, and nothing else in them changes."""

import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from keyturn.aws import sso_populate
from keyturn.aws.config import Configuration, ConfigurationCache, parse_file
from keyturn.aws.sso_populate import TEMPLATE, Addition, Assignment, SignedIn
from keyturn.ground.errors import ConfigurationError, UsageError

CORP = SignedIn("corp", "https://corp.awsapps.com/start#/", "eu-central-1")
ASSIGNMENTS = [
    Assignment("111111111111", "Development", "Admin"),
    Assignment("111111111111", "Development", "ReadOnly"),
    Assignment("222222222222", "p", "Admin"),
]
ODD = tomllib.loads((Path(__file__).parent / "odd_files.toml").read_text())
# Each odd file as it is, with the line ends of Windows and of old, and without its last line end.
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda content: content,
    "windows": lambda content: content.replace(b"\n", b"\r\n"),
    "old": lambda content: content.replace(b"\n", b"\r"),
    "unended": lambda content: content.rstrip(b"\n"),
}
FILES = [
    pytest.param(form(files["config"].encode("utf-8", "surrogateescape")), id=f"{name} {kind}".strip())
    for name, files in ODD.items()
    if files.get("config")
    for kind, form in FORMS.items()
]


def load(path: Path) -> Configuration:
    environment = {"AWS_CONFIG_FILE": str(path), "AWS_SHARED_CREDENTIALS_FILE": ""}
    return ConfigurationCache().load(environment, "/")


def add(path: Path, signed_in: SignedIn = CORP, template: str = TEMPLATE) -> list[Addition]:
    """As `keyturn aws sso populate` does it; what was added."""
    added, _ = sso_populate.additions(load(path), signed_in, ASSIGNMENTS, template)
    if added:
        sso_populate.add(path, signed_in, added, "eu-west-1", os.getuid(), lambda *given: None)
    return added


def test_there_are_files_enough() -> None:
    assert len(FILES) > 4 * 20


@pytest.mark.parametrize("content", FILES)
def test_nothing_but_what_is_added_changes(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    path.chmod(0o640)
    try:
        before = parse_file(str(path), "config")
    except ConfigurationError:
        with pytest.raises(ConfigurationError):
            add(path)
        assert path.read_bytes() == content
        return
    added = add(path)
    after = path.read_bytes()
    assert len(added) == len(ASSIGNMENTS)
    assert after.startswith(content)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["config"]
    profiles = parse_file(str(path), "config").profiles
    assert {name: profiles[name] for name in before.profiles} == dict(before.profiles)
    assert set(profiles) == {*before.profiles, *(each.name for each in added)}
    for each in added:
        assert profiles[each.name] == {
            "sso_session": "corp",
            "sso_account_id": each.assignment.account_id,
            "sso_role_name": each.assignment.role,
            "region": "eu-west-1",
        }
    assert add(path) == [], "once is enough"
    assert path.read_bytes() == after


def test_line_ends_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"[default]\r\nregion = a\r\n")
    add(path)
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n") > 10


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / ".aws/config"
    add(path, SignedIn("", CORP.start_url, CORP.region))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path).profiles["Development.Admin"]["sso_start_url"] == CORP.start_url, "story 27"


def test_a_link_stays_a_link_and_what_keep_raises_leaves_the_file_alone(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "config"
    real.write_bytes(b"[default]\n")
    link.symlink_to(real)
    added, _ = sso_populate.additions(load(link), CORP, ASSIGNMENTS, TEMPLATE)

    def refuse(before: bytes, after: bytes, status: os.stat_result) -> None:
        assert before == b"[default]\n"
        assert after.startswith(before)
        raise ConfigurationError("no copy")

    with pytest.raises(ConfigurationError, match="no copy"):
        sso_populate.add(link, CORP, added, "", os.getuid(), refuse)
    assert real.read_bytes() == b"[default]\n"
    add(link)
    assert link.is_symlink()
    assert b"Development" in real.read_bytes()


@pytest.mark.parametrize("kind", ["read-only", "hard link", "pipe"])
def test_a_file_that_must_not_be_written_is_left_alone(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"[default]\n")
    if kind == "read-only":
        path.chmod(0o400)
    if kind == "hard link":
        os.link(path, tmp_path / "other")
    with pytest.raises(ConfigurationError):
        add(path)
    assert kind == "pipe" or path.read_bytes() == b"[default]\n"


def names(
    assignments: list[Assignment], config: bytes, tmp_path: Path, template: str = TEMPLATE
) -> list[str]:
    path = tmp_path / "config"
    path.write_bytes(config)
    added, _ = sso_populate.additions(load(path), CORP, assignments, template)
    return [each.name for each in added]


def test_names_that_are_taken_or_equal_get_the_account_behind_them(tmp_path: Path) -> None:
    two = [Assignment("111111111111", "Ops", "Admin"), Assignment("222222222222", "ops", "admin")]
    assert names(two, b"", tmp_path) == ["Ops.Admin-111111111111", "ops.admin-222222222222"]
    assert names(two[:1], b"[profile ops.Admin]\nregion = a\n", tmp_path) == ["Ops.Admin-111111111111"]
    taken = b"[profile Ops.Admin]\na = b\n[profile Ops.Admin-111111111111]\na = b\n"
    with pytest.raises(ConfigurationError, match="is there already"):
        names(two[:1], taken, tmp_path)


def test_a_role_that_has_a_profile_gets_no_other_whatever_it_is_called(tmp_path: Path) -> None:
    session = f"[sso-session corp]\nsso_start_url = {CORP.start_url}\nsso_region = eu-central-1\n"
    role = "sso_account_id = 111111111111\nsso_role_name = Admin\n"
    older = f"[profile x]\nsso_start_url = {CORP.start_url}\nsso_region = eu-central-1\n{role}"
    for config in (f"{session}[profile x]\nsso_session = corp\n{role}", older):
        assert names(ASSIGNMENTS[:1], config.encode(), tmp_path) == []
    other = older.replace(CORP.start_url, "https://other.awsapps.com/start")
    assert names(ASSIGNMENTS[:1], other.encode(), tmp_path) == ["Development.Admin"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{account_id}-{role}", "111111111111-Admin"),
        ("sso/{account_name}/{role}", "sso-Development-Admin"),
        ("{account_name} {role}", "Development-Admin"),
    ],
)
def test_templates(template: str, expected: str, tmp_path: Path) -> None:
    sso_populate.check_template(template)
    assert names(ASSIGNMENTS[:1], b"", tmp_path, template) == [expected]


@pytest.mark.parametrize(
    "template",
    [
        "",
        "{role}",
        "{account_name}",
        "{x}-{role}",
        "{role!r}{account_id}",
        "{role:>9}{account_id}",
        "{",
        "{}",
    ],
)
def test_templates_that_cannot_be_meant(template: str) -> None:
    with pytest.raises(UsageError):
        sso_populate.check_template(template)


@given(some.text(max_size=30), some.text(max_size=30))
def test_l9_no_name_needs_quotes_whatever_an_account_is_called(account: str, role: str) -> None:
    assignment = Assignment("111111111111", account, role)
    added, _ = sso_populate.additions(load(Path("/nonexistent")), CORP, [assignment], TEMPLATE)
    name = added[0].name
    assert name
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert name[0] not in "-."
    assert name.casefold() != "default"


def test_what_would_change_more_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last look reads what is about to be written, whatever made it."""
    path = tmp_path / "config"
    path.write_bytes(b"[default]\nregion = a\n")
    for wrong in (b"[default]\nregion = b\n", b"", b"[default]\nregion = a\n[profile x]\na = b\n"):
        monkeypatch.setattr(sso_populate, "appended", lambda *given, wrong=wrong: wrong)
        with pytest.raises(ConfigurationError, match="without changing more"):
            add(path)
        assert path.read_bytes() == b"[default]\nregion = a\n"
        assert [each.name for each in tmp_path.iterdir()] == ["config"]
