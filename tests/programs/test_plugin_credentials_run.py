"""A command that takes several credentials gets all of them at once, and no mixture."""

import pytest

from keyturn.ground.errors import Status
from tests.programs.test_plugin_credentials import builder, init, three
from tests.programs.test_plugin_init_scopes import tools
from tests.programs.user import Result, User

__all__ = ["builder"]  # a fixture

NAMES = (
    *("AWS_ACCESS_KEY_ID", "HCLOUD_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"),
    *("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_CONTEXT", "AWS_SESSION_TOKEN"),
)
PRINTING = "#!/bin/sh\n" + "".join(f'echo "{name}=${{{name}-none}}"\n' for name in NAMES)
STALE = {"DIGITALOCEAN_TOKEN": "stale", "HCLOUD_TOKEN": "stale", "AWS_SESSION_TOKEN": "stale"}
HCLOUD, OCEAN = "Cloud EXAMPLE token EXAMPLE", "Ocean EXAMPLE token EXAMPLE"


@pytest.fixture
def runner(builder: User) -> User:
    """`builder` with a terraform and a doctl that print what they got."""
    tools(builder, "terraform", "doctl", "hcloud")
    for name in ("terraform", "doctl", "hcloud"):
        (builder.home / "tools" / name).write_text(PRINTING)
    return builder


def run(user: User, command: str = "terraform plan", directory: str = "") -> Result:
    signin = f"keyturn signin --password-file {user.password_file()}"
    script = f"{signin} && cd ~/{directory} && keyturn plugin run -- {command}"
    return user.sh(script, variables=STALE)


def got(done: Result) -> dict[str, str]:
    return dict(line.split("=", 1) for line in done.succeeds().output.splitlines())


def test_all_at_once(runner: User) -> None:
    three(runner)
    assert got(run(runner)) == {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "HCLOUD_TOKEN": HCLOUD,
        "DIGITALOCEAN_ACCESS_TOKEN": OCEAN,
        "DIGITALOCEAN_TOKEN": "none",
        "DIGITALOCEAN_CONTEXT": "default",
        "AWS_SESSION_TOKEN": "none",
    }
    assert got(run(runner, "terraform version")) == dict.fromkeys(NAMES, "none") | STALE, "as it was called"


def test_each_from_its_own_scope(runner: User) -> None:
    three(runner)
    (runner.home / "work").mkdir()
    init(runner, "terraform", "--credential", "hcloud", "--item", "Ocean EXAMPLE", "--directory", "work")
    there = got(run(runner, directory="work"))
    assert (there["HCLOUD_TOKEN"], there["DIGITALOCEAN_ACCESS_TOKEN"]) == (OCEAN, OCEAN)
    assert got(run(runner))["HCLOUD_TOKEN"] == HCLOUD


def test_others_without_its_own(runner: User) -> None:
    init(runner, "terraform", "--credential", "hcloud", "--item", "Cloud EXAMPLE")
    found = got(run(runner))
    assert (found["HCLOUD_TOKEN"], found["AWS_ACCESS_KEY_ID"]) == (HCLOUD, "none")
    assert found["AWS_SESSION_TOKEN"] == "stale", "of AWS nothing is touched: nothing was chosen for it"


def test_without_any(runner: User) -> None:
    init(runner, "hcloud", "--item", "Cloud EXAMPLE")
    done = run(runner)
    assert (done.status, done.output) == (Status.NO_DEFAULT, "")
    assert got(run(runner, "hcloud server list"))["HCLOUD_TOKEN"] == HCLOUD
    assert got(run(runner, "hcloud context create x"))["HCLOUD_TOKEN"] == "stale", "it would be written down"


def test_one_whose_item_lacks_its_field(runner: User) -> None:
    three(runner)
    edit = ("item", "edit", "Cloud EXAMPLE", "token[text]=", "--password-file", runner.password_file())
    runner.keyturn(*edit)
    done = run(runner)
    assert done.output == ""
    assert "keyturn plugin init terraform --credential hcloud --item" in done.errors


def test_doctl_is_not_answered_by_a_context_of_its_own(runner: User) -> None:
    init(runner, "doctl", "--item", "Ocean EXAMPLE")
    found = got(run(runner, "doctl droplet list"))
    assert (found["DIGITALOCEAN_ACCESS_TOKEN"], found["DIGITALOCEAN_CONTEXT"]) == (OCEAN, "default")
    assert got(run(runner, "doctl auth init"))["DIGITALOCEAN_ACCESS_TOKEN"] == "none", (
        "it would write it down"
    )


def test_the_first_use_asks_for_an_item_of_whatever_platform(runner: User) -> None:
    init(runner, "terraform", "--credential", "hcloud", "--item", "Cloud EXAMPLE")
    runner.keyturn("plugin", "clear", "terraform").succeeds()
    terminal = runner.terminal()
    terminal.run(f"keyturn signin --password-file {runner.password_file()}")
    terminal.type("cd /; keyturn plugin run -- terraform plan")
    terminal.expect("which item is terraform to use")
    terminal.expect("expand the search")
    terminal.child.send("expand\r")
    terminal.expect("Ocean EXAMPLE")
    terminal.child.send("cloud ex\r")
    printed = terminal.ready()
    assert terminal.status() == 0
    assert f"HCLOUD_TOKEN={HCLOUD}" in printed
    [session] = runner.runtime.glob("keyturn/sessions-*/*.json")
    assert '"terraform/hcloud"' in session.read_text()
