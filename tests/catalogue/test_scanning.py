"""What is read and what is not, and where the tools' own variables lead."""

import os
from pathlib import Path

import pytest

from keyturn.catalogue import importing, loader, scanning
from keyturn.catalogue import plaintext as catalogue
from keyturn.catalogue.scanning import Report
from keyturn.cli.plaintext_finding import shown_values
from keyturn.ground.secret import Secret
from keyturn.plaintext import reading

CANARY = "CANARYEXAMPLE"
AWS = f"[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = {CANARY}\n"


def scan(home: Path, **variables: str) -> Report:
    rc = [(home / ".bashrc", "shell")]
    return scanning.scan(catalogue.tools(), {"HOME": str(home), **variables}, rc, "linux")


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_an_empty_home(tmp_path: Path) -> None:
    assert scan(tmp_path) == Report()
    assert scanning.scan(catalogue.tools(), {}, [], "linux") == Report()
    assert scanning.scan(catalogue.tools(), {"HOME": "relative"}, [], "linux") == Report()


def test_variables_say_where_files_are(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", AWS)
    write(tmp_path / "xdg/gh/hosts.yml", "github.com:\n  oauth_token: x\n")
    write(tmp_path / "hf", "hf_EXAMPLE\n")
    for name in ("one", "two"):
        write(tmp_path / name, f"users:\n- name: {name}\n  user: {{token: t-{name}}}\n")
    report = scan(
        tmp_path,
        AWS_SHARED_CREDENTIALS_FILE="~/elsewhere",
        XDG_CONFIG_HOME=str(tmp_path / "xdg"),
        HF_TOKEN_PATH=str(tmp_path / "hf"),
        KUBECONFIG=f"{tmp_path}/one:{tmp_path}/two:relative",
    )
    found = {(each.tool.name, each.source.path.name, each.profile) for each in report.found}
    assert found == {
        ("aws", "elsewhere", "default"),
        ("github", "hosts.yml", "github.com"),
        ("huggingface", "hf", ""),
        ("kubernetes", "one", "one"),
        ("kubernetes", "two", "two"),
    }


def test_one_file_by_two_ways_is_found_once(tmp_path: Path) -> None:
    write(tmp_path / ".aws/credentials", AWS)
    (tmp_path / "link").symlink_to(tmp_path / ".aws/credentials")
    report = scan(tmp_path, AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "link"))
    assert len(report.found) == 1


def test_the_more_special_tool_has_it(tmp_path: Path) -> None:
    write(
        tmp_path / ".netrc", "machine api.heroku.com login a password b\nmachine other login c password d\n"
    )
    assert [(each.tool.name, each.profile) for each in scan(tmp_path).found] == [
        ("heroku", "a"),
        ("netrc", "other"),
    ]


@pytest.mark.timeout(20)
def test_pipes_devices_and_directories_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    os.mkfifo(tmp_path / ".aws/credentials")
    (tmp_path / ".netrc").symlink_to("/dev/zero")
    (tmp_path / ".npmrc").mkdir()
    (tmp_path / ".vault-token").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".pgpass").symlink_to(tmp_path / ".pgpass")
    report = scan(tmp_path)
    assert not report.found
    reasons = {each.path.name: each.reason for each in report.unread}
    assert reasons == {
        "credentials": "is not a regular file",
        ".netrc": "is not a regular file",
        ".npmrc": "is not a regular file",
        ".pgpass": "too many levels of symbolic links",
    }


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (".civo.json", f'{{"apikeys": {{"a": "{CANARY}"', "it is not JSON"),
        (".civo.json", b'{"apikeys": "\xff\x00"}', "it is not text"),
        (".config/gh/hosts.yml", f"oauth_token: [{CANARY}", "it is not YAML"),
        (".cargo/credentials.toml", f"[registry]\ntoken = {CANARY}", "it is not TOML"),
        (".netrc", f"machine x {CANARY} password y", "it is not a netrc file"),
        (".civo.json", b"[" * 200_000 + b'"apikeys"', "it is not JSON"),
        (".aws/credentials", b"#" * (reading.LARGEST + 1), f"is larger than {reading.LARGEST} bytes"),
        (".tugboat.yml", b"#" * (reading.LARGEST_YAML + 1), f"is larger than {reading.LARGEST_YAML} bytes"),
    ],
)
def test_what_cannot_be_read_is_named_without_its_content(
    name: str, content: str | bytes, reason: str, tmp_path: Path
) -> None:
    write(tmp_path / name, content)
    write(tmp_path / ".vault-token", "hvs.EXAMPLE")
    report = scan(tmp_path)
    assert [(str(each.path.relative_to(tmp_path)), each.reason) for each in report.unread] == [(name, reason)]
    assert CANARY not in repr(report)
    assert [each.tool.name for each in report.found] == ["vault"], "the others are found all the same"


def test_nobody_may_read_it(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        write(tmp_path / ".aws/credentials/x", "")  # root reads everything; a directory it cannot
        assert scan(tmp_path).unread
        return
    write(tmp_path / ".aws/credentials", AWS).chmod(0)
    assert [each.reason for each in scan(tmp_path).unread] == ["permission denied"]


def test_no_secret_in_what_is_found_when_it_is_printed(tmp_path: Path) -> None:
    write(tmp_path / ".aws/credentials", AWS)
    write(tmp_path / ".bashrc", f"export GH_TOKEN={CANARY}\n")
    report = scan(tmp_path)
    assert len(report.found) == 2
    assert all(Secret(CANARY) in each.fields.values() for each in report.found)
    assert CANARY not in repr(report)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (AWS.replace("AKIA", "ASIA"), "they are temporary keys, which end by themselves"),
        (AWS + "aws_secret_access_key = another\n", "it stands there twice, with different values"),
        (AWS.encode() + b"aws_secret_access_key = \xff\n", "it stands there twice, with different values"),
        (AWS.replace(CANARY, CANARY + "\n  more"), "its value has more than one line"),
        (AWS.encode().replace(CANARY.encode(), b"\xff"), "its value is not UTF-8"),
    ],
)
def test_what_is_stuck(content: str | bytes, reason: str, tmp_path: Path) -> None:
    write(tmp_path / ".aws/credentials", content)
    assert [each.stuck for each in scan(tmp_path).found] == [reason]


def test_the_same_value_twice_goes_twice(tmp_path: Path) -> None:
    write(tmp_path / ".aws/credentials", AWS + AWS)
    [found] = scan(tmp_path).found
    assert len(found.going) == 4
    assert not found.stuck


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    write(tmp_path / ".npmrc", f"//ada:{CANARY}@registry.example/:_authToken=x\n")
    [found] = scan(tmp_path).found
    assert found.profile == "…@registry.example/"
    assert CANARY not in shown_values(found)
    assert Secret(f"ada:{CANARY}@registry.example/") in found.fields.values(), "the item has it"


def test_a_kind_that_is_not_imported_lies_there_all_the_same(tmp_path: Path) -> None:
    """`gho_`: what a login of gh leaves."""
    write(tmp_path / ".config/gh/hosts.yml", f"github.com:\n  user: ada\n  oauth_token: gho_{CANARY}\n")
    [found] = scan(tmp_path).found
    assert found.tool.name == "github"
    assert found.fields["token"] == Secret(f"gho_{CANARY}")
    offered = importing.find(loader.load("github"), {"HOME": str(tmp_path)}, "linux")
    assert not offered.candidates


def test_what_a_where_names_besides_holds_for_the_scan(tmp_path: Path) -> None:
    text = '{"accessTokens": {"https://api.pulumi.com": "pul-EXAMPLE", "file://~": "x-EXAMPLE"}}'
    write(tmp_path / ".pulumi/credentials.json", text)
    assert [each.fields["token"] for each in scan(tmp_path).found] == [Secret("pul-EXAMPLE")]


@pytest.mark.parametrize("value", ["${NPM_TOKEN}", "$NPM_TOKEN", "true", ""])
def test_what_is_no_value(value: str, tmp_path: Path) -> None:
    write(tmp_path / ".npmrc", f"//registry.npmjs.org/:_authToken={value}\n")
    assert scan(tmp_path).found == ()


def test_a_star_in_a_password_file_names_nobody(tmp_path: Path) -> None:
    write(tmp_path / ".pgpass", f"*:*:*:ada:{CANARY}\n\\:\\:1:5432:db:ada:{CANARY}2\n")
    found = importing.find(loader.load("postgresql"), {"HOME": str(tmp_path)}, "linux")
    told = [{label: each.fields[label].reveal() for label in each.fields} for each in found.candidates]
    wanted = {"host": "::1", "port": "5432", "database": "db", "user": "ada", "password": f"{CANARY}2"}
    assert wanted in told
    assert not any(value == "*" for each in told for value in each.values())
