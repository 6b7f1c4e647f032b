"""Temporary keys that are pasted: into an item, replaced by new ones, and refused once they have ended."""

import json
from collections.abc import Iterator

import pytest

from tests.aws_server.client import LocalAws
from tests.programs.user import User
from tests.vaults.templates import PASSWORD


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


def block(keys: dict[str, str]) -> str:
    """As the access portal shows them."""
    names = {
        "AccessKeyId": "ACCESS_KEY_ID",
        "SecretAccessKey": "SECRET_ACCESS_KEY",
        "SessionToken": "SESSION_TOKEN",
    }
    return "".join(f'export AWS_{names[name]}="{keys[name]}"\n' for name in names)


def test_pasted_keys(user: User, aws: LocalAws) -> None:
    role = aws.add_role("pasted", ["ada"])
    first, second = aws.machine_keys(role), aws.machine_keys(role)
    user.variables.update(aws.environment())
    user.account()
    user.aws_files("", "[default]\nregion = eu-central-1\n")
    # On a terminal, without a line of it on the screen.
    terminal = user.terminal(columns=140)
    terminal.run(f"keyturn signin --password-file {user.password_file()}")
    terminal.type("keyturn aws import --paste --title portal")
    terminal.expect("an empty line ends it")
    terminal.type(block(first))
    printed = terminal.ready()
    assert "item “portal” has the keys (" in printed, printed
    assert not [value for value in first.values() if value in printed]
    init = "keyturn plugin init aws --item portal --no-input --no-shell-rc --also ''"
    assert terminal.run(init)[1] == 0
    printed, status = terminal.run(
        "keyturn aws exec -- sh -c 'echo $AWS_ACCESS_KEY_ID; test -n $AWS_SESSION_TOKEN'"
    )
    assert (printed.strip(), status) == (first["AccessKeyId"], 0)
    # By a pipe, with their end, in the place of the first ones.
    (user.home / "keys.json").write_text(json.dumps({"Version": 1, **second}))
    printed, status = terminal.run("keyturn aws import --paste --item portal < keys.json")
    assert (f"until {second['Expiration']}" in printed, status) == (True, 0), printed
    printed, _ = terminal.run("keyturn aws credential-process")
    assert json.loads(printed) == {"Version": 1, **second}
    # They end, and that is an error of its own: nobody else's keys are used.
    assert terminal.run("keyturn item edit portal 'expires[text]=2020-01-01T00:00:00Z'")[1] == 0
    printed, status = terminal.run("keyturn aws credential-process")
    assert status == 195
    assert "the temporary keys of item “portal” have expired, at 2020-01-01T00:00:00Z" in printed
    # Without an end again.
    (user.home / "keys.env").write_text(block(first))
    assert terminal.run("keyturn aws import --paste --item portal < keys.env")[1] == 0
    assert first["AccessKeyId"] in terminal.run("keyturn aws credential-process")[0]


def test_keys_that_are_refused(user: User, aws: LocalAws) -> None:
    user.account()
    user.variables.update(aws.environment())
    ended = {
        "Version": 1,
        **aws.machine_keys(aws.add_role("ended", ["ada"]), 3600),
        "Expiration": "2020-01-01T00:00:00Z",
    }
    command = ("aws", "import", "--paste", "--password-file", user.password_file())
    user.keyturn(*command, stdin=json.dumps(ended)).fails(195, "these keys have expired")
    user.keyturn(*command, stdin="nothing").fails(2, "holds no AWS_ACCESS_KEY_ID")
    wrong = {**ended, "Expiration": "2099-01-01T00:00:00Z", "SessionToken": "wrong-EXAMPLE"}
    user.keyturn(*command, stdin=json.dumps(wrong)).fails(195, "AWS")
    assert PASSWORD not in user.keyturn("item", "list", "--password-file", user.password_file()).output
