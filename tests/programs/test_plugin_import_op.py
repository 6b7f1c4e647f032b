"""`plugin import-op`: what 1Password's own plugins have set up works here, with the same items."""

import json
from pathlib import Path

import pytest

from tests.aws_server.client import LocalAws
from tests.programs.user import User
from tests.vaults.one_password import PASSWORD, SERVICE_TOKEN, OnePassword
from tests.vaults.op_stand_in import MOMENT, new_id

IDENTITY = "sts get-caller-identity --query Arn --output text"


@pytest.fixture
def one(aws_user: User, local_aws: LocalAws) -> OnePassword:
    """1Password with an item as its own plugin for AWS makes them, for each of two users."""
    directory = aws_user.home / "1password"
    directory.mkdir()
    one = OnePassword(directory, app=False)
    aws_user.path.insert(0, str(directory))
    aws_user.keyturn("account", "create", "Mine", "--backend", "1password").succeeds()
    with one.service() as found:
        vault = {key: found["vaults"][0][key] for key in ("id", "name")}
        for name in ("ada", "grace"):
            key, secret = local_aws.users[name].access_key_id, local_aws.users[name].secret_access_key
            found["items"].append(
                {
                    "id": new_id(),
                    "title": f"AWS {name}",
                    "version": 1,
                    "vault": vault,
                    "category": "API_CREDENTIAL",
                    "created_at": MOMENT,
                    "updated_at": MOMENT,
                    "fields": [
                        {"id": new_id(), "type": "STRING", "label": "access key id", "value": key},
                        {
                            "id": new_id(),
                            "type": "CONCEALED",
                            "label": "secret access key",
                            "value": secret,
                        },
                    ],
                }
            )
    return one


def write(directory: Path, executable: str, plugin: str, vault: str, item: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    credential = {"plugin": plugin, "credential_type": "access_key", "usage_id": "access_key"}
    content = {
        "account_id": "PQE4CI62WZC7DBNEXR66UWHO3U",
        "entrypoint": [executable],
        "credentials": [{**credential, "vault_id": vault, "item_id": item}],
    }
    (directory / f"{executable}.json").write_text(json.dumps(content))


def test_global_and_directory_defaults_come_over(
    aws_user: User, local_aws: LocalAws, one: OnePassword
) -> None:
    with one.service() as found:
        vault, (ada, grace) = found["vaults"][0]["id"], (item["id"] for item in found["items"])
    write(aws_user.home / ".config/op/plugins", "aws", "aws", vault, ada)
    work = aws_user.home / "work"
    write(work / ".op/plugins", "aws", "aws", vault, grace)
    sh = aws_user.home / ".config/op/plugins.sh"
    aliases = [f'alias {name}="op plugin run -- {name}"' for name in ("aws", "unheard")]
    sh.write_text("\n".join(["export OP_PLUGIN_ALIASES_SOURCED=1", *aliases, ""]))
    before = {path: path.read_bytes() for path in aws_user.home.rglob("*op/plugins*/*")}
    unlocked = ("--password-file", aws_user.password_file(PASSWORD))
    dry = aws_user.keyturn("plugin", "import-op", str(work), "--dry-run", *unlocked).succeeds()
    assert "aws would use “AWS ada” everywhere" in dry.errors
    assert not (aws_user.config / "plugins.sh").exists()
    done = aws_user.keyturn("plugin", "import-op", str(work), *unlocked).succeeds()
    assert f"aws uses “AWS grace” in {work}" in done.errors
    assert "unheard: no plugin wraps it" in done.errors
    assert {path: path.read_bytes() for path in before} == before
    for directory, name in ((aws_user.home, "ada"), (work, "grace")):
        run = f"keyturn signin {' '.join(unlocked)} && keyturn plugin run -- aws {IDENTITY}"
        answer = aws_user.sh(run, directory=directory).succeeds()
        assert answer.output.strip() == local_aws.users[name].arn


def test_what_cannot_come_over_is_said_and_the_rest_does(aws_user: User, one: OnePassword) -> None:
    with one.service() as found:
        vault, item = found["vaults"][0]["id"], found["items"][0]["id"]
    plugins = aws_user.home / ".config/op/plugins"
    write(plugins, "aws", "aws", vault, item)
    write(plugins, "sam", "aws", vault, new_id())
    write(plugins, "unheard", "unheard", vault, item)
    write(plugins, "hcloud", "github", vault, item)
    (plugins / "broken.json").write_text("{")
    (plugins / "other.json").write_text("[]")
    done = aws_user.keyturn(
        "plugin", "import-op", "--password-file", aws_user.password_file(PASSWORD)
    ).succeeds()
    for line in (
        "aws uses “AWS ada” everywhere",
        "is not in the account “Mine”",
        "unheard: no plugin wraps it",
        "hcloud: its credential is hcloud's here, not github's",
        "broken.json is not what op plugin init writes",
        "other.json is not what op plugin init writes",
    ):
        assert line in done.errors


def test_without_anything_to_import_or_an_account_it_says_so(aws_user: User, tmp_path: Path) -> None:
    aws_user.keyturn("plugin", "import-op").fails(192, "no plugins set up here")
    write(aws_user.home / ".op/plugins", "aws", "aws", new_id(), new_id())
    aws_user.keyturn("plugin", "import-op").fails(192, "no account in 1Password yet")
    assert aws_user.keyturn("plugin", "import-op", str(tmp_path / "gone")).status == 2


def test_a_service_accounts_token_opens_it_too(aws_user: User, one: OnePassword) -> None:
    with one.service() as found:
        found["accounts"] = []
    unlocked = ("--password-file", aws_user.password_file(SERVICE_TOKEN))
    assert "AWS ada" in aws_user.keyturn("item", "list", *unlocked).succeeds().output
    assert SERVICE_TOKEN not in str(one.calls)
