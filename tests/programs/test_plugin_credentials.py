"""Several credentials for one command: set up one by one or in one go, shown, and taken away again."""

import json
import re
from typing import Any

import pytest

from keyturn.ground.errors import Status
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from tests.programs.test_plugin_init import defaults
from tests.programs.test_plugin_init_asked import SESSION, SHELL, TYPED, UNLOCK, choose
from tests.programs.test_plugin_init_scopes import OTHERS, tools
from tests.programs.user import Terminal, User
from tests.vaults.templates import MOMENT, PASSWORD, make_item

TOKEN = "hcloudtokenEXAMPLE0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
TYPE = "which type of credential is terraform to use?"
ANOTHER = "is terraform to use another credential at the same time?"
WHICH = "which credential is terraform to use?"
ITEM = "which item is terraform to use?"
WHERE = "where is terraform to use it?"


def token_item(title: str, plugin: str, credential: str) -> Item:
    field = new_field("token", FieldType.CONCEALED, Secret(f"{title} token EXAMPLE"))
    return new_item(title, [field], MOMENT, [f"keyturn/{plugin}/{credential}"])


@pytest.fixture
def builder(user: User) -> User:
    """A user with one item of each of three platforms."""
    user.account(
        make_item("Keys EXAMPLE"),
        token_item("Cloud EXAMPLE", "hcloud", "api-token"),
        token_item("Ocean EXAMPLE", "digitalocean", "personal-access-token"),
    )
    return user


def init(user: User, *words: str, **more: Any) -> str:
    flags = ("--no-input", "--password-file", user.password_file())
    return user.keyturn("plugin", "init", *words, *flags, **more).succeeds().errors


def token(user: User, title: str) -> str:
    """The token that the item of this title holds."""
    words = ("item", "get", title, "--format", "json", "--reveal", "--password-file", user.password_file())
    [field] = json.loads(user.keyturn(*words).succeeds().output)["item"]["fields"]
    assert (field["label"], field["type"]) == ("token", "CONCEALED")
    return str(field["value"])


def everywhere(user: User) -> dict[str, str]:
    return {key: item["title"] for key, item in defaults(user).get("everywhere", {}).items()}


THREE = {
    "terraform": "Keys EXAMPLE",
    "terraform/digitalocean": "Ocean EXAMPLE",
    "terraform/hcloud": "Cloud EXAMPLE",
}


def three(user: User, *more: str) -> None:
    init(user, "terraform", "--item", "Keys EXAMPLE", *more)
    init(user, "terraform", "--credential", "hcloud", "--item", "Cloud EXAMPLE", *more)
    init(user, "terraform", "--credential", "digitalocean", "--item", "Ocean EXAMPLE", *more)


class TestByFlags:
    def test_repeated_runs_add(self, builder: User) -> None:
        three(builder)
        assert everywhere(builder) == THREE
        said = init(builder, "terraform", "--credential", "aws", "--item", "Keys EXAMPLE")
        assert "in place of “Keys EXAMPLE”" in said, "aws is its own"
        assert everywhere(builder) == THREE
        said = init(builder, "terraform", "--credential", "hcloud", "--item", "Cloud EXAMPLE", "--dry-run")
        assert "terraform would use “Cloud EXAMPLE” everywhere (the global default), in place of" in said

    def test_one_that_is_not_its_own_alone(self, builder: User) -> None:
        init(builder, "tofu", "--credential", "hcloud", "--item", "Cloud EXAMPLE")
        assert everywhere(builder) == {"tofu/hcloud": "Cloud EXAMPLE"}
        assert "tofu" in builder.wraps()

    def test_imported_from_the_environment(self, builder: User) -> None:
        words = ("terraform", "--credential", "hcloud", "--import-env", "--also", "hcloud,tofu")
        said = init(builder, *words, variables={"HCLOUD_TOKEN": TOKEN})
        keys = ("hcloud", "terraform/hcloud", "tofu/hcloud")
        assert everywhere(builder) == dict.fromkeys(keys, "Hetzner Cloud")
        assert token(builder, "Hetzner Cloud") == TOKEN
        assert "unset HCLOUD_TOKEN" in said
        assert TOKEN not in said

    def test_a_platforms_own_command_and_those_that_take_any(self, builder: User) -> None:
        said = init(builder, "doctl", "--item", "Ocean EXAMPLE", "--also", "terraform")
        assert everywhere(builder) == {"doctl": "Ocean EXAMPLE", "terraform/digitalocean": "Ocean EXAMPLE"}
        assert "terraform uses it everywhere" in said

    def test_for_a_session_and_a_directory(self, builder: User) -> None:
        terminal = builder.terminal()
        line = "keyturn plugin init terraform --credential hcloud --item 'Cloud EXAMPLE' --no-input"
        file = f"--password-file {builder.password_file()}"
        assert terminal.run(f"{line} --scope session {file}")[1] == 0
        assert terminal.run(f"{line} --directory . {file}")[1] == 0
        [session] = builder.runtime.glob("keyturn/sessions-*/*.json")
        assert list(json.loads(session.read_text())["items"]) == ["terraform/hcloud"]
        [place] = defaults(builder)["directories"].values()
        assert list(place) == ["terraform/hcloud"]

    @pytest.mark.parametrize(
        ("words", "line", "hint"),
        [
            (
                ["aws", "--credential", "hcloud"],
                "aws takes the credential of aws and no other",
                "terraform, tofu",
            ),
            (
                ["terraform", "--credential", "hclou"],
                "no plugin called hclou has a",
                "near it: hcloud",
            ),
            (
                ["terraform", "--credential", "cdk"],
                "no plugin called cdk has a credential",
                "those that have: keyturn plugin list",
            ),
            (
                ["terraform", "--credential", "mysql"],
                "terraform cannot take the credential of mysql, which is given by an argument",
                "its own commands: mysql, mysqldump",
            ),
            (
                ["mysql", "--also", "terraform"],
                "terraform does not take the credential of mysql",
                "mysqldump",
            ),
            (["digitalocean"], "no plugin wraps digitalocean", "commands of digitalocean: doctl"),
            (["hcloud", "--also", "aws"], "aws does not take the credential of hcloud", "terraform, tofu"),
        ],
    )
    def test_what_cannot_be_meant(self, user: User, words: list[str], line: str, hint: str) -> None:
        done = user.keyturn("plugin", "init", *words, "--item", "x", "--no-input").fails(Status.USAGE, line)
        assert hint in done.errors

    def test_an_item_of_another_platform_lacks_a_field(self, builder: User) -> None:
        words = ("terraform", "--credential", "hcloud", "--item", "Keys EXAMPLE", "--no-input")
        file = ("--password-file", builder.password_file())
        done = builder.keyturn("plugin", "init", *words, *file)
        assert "the field “token” is missing" in done.errors
        assert "keyturn plugin init terraform --credential hcloud --item" in done.errors


class TestAsked:
    def begin(self, user: User) -> Terminal:
        tools(user, "terraform", "tofu")
        terminal = user.terminal(columns=160)
        terminal.type("keyturn plugin init terraform")
        return terminal

    def pick(self, terminal: Terminal, last: str, downs: int = 0, *, unlock: bool = False) -> None:
        """An item of the vault, from a list that ends with `last`."""
        choose(terminal, WHICH, TYPED)
        if unlock:
            terminal.answer(UNLOCK, PASSWORD)
        choose(terminal, ITEM, last, downs)

    def test_one_after_the_other_until_it_is_enough(self, builder: User) -> None:
        terminal = self.begin(builder)
        terminal.expect(re.escape(TYPE))
        listed = terminal.expect("Hetzner Cloud: API Token")
        assert "Amazon Web Services: Access Key" in listed
        terminal.child.send("hetz")
        terminal.expect(r"/.*hetz")
        terminal.child.send("\r")
        self.pick(terminal, "expand the search", unlock=True)
        terminal.expect(re.escape(ANOTHER))
        listed = terminal.expect("DigitalOcean: Personal Access Token")
        assert "Hetzner" not in listed, "that one is chosen"
        assert "no other: that is all" in listed
        terminal.child.send("\x1b[B\r")
        self.pick(terminal, "expand the search")
        choose(terminal, ANOTHER, "DigitalOcean: Personal Access Token")
        choose(terminal, WHERE, SESSION)
        choose(terminal, OTHERS, "tofu (OpenTofu)")
        terminal.answer(SHELL, "n")
        printed = terminal.ready()
        assert terminal.status() == 0
        assert everywhere(builder) == {k: v for k, v in THREE.items() if k != "terraform/digitalocean"}
        assert printed.count("terraform uses it everywhere") == 2

    def search(self, terminal: Terminal, question: str, letters: str) -> None:
        """Choose the first that has these letters."""
        terminal.expect(re.escape(question))
        # As far as the screen reaches: then it takes letters.
        terminal.expect(r"(MySQL|Neon|Netlify): ")
        terminal.child.send(letters)
        terminal.expect(f"/.*{letters}")
        terminal.child.send("\r")

    def test_three_of_them_and_for_another_command_too(self, builder: User) -> None:
        three(builder)
        builder.keyturn("lock").succeeds()
        terminal = self.begin(builder)
        self.search(terminal, TYPE, "amazon")
        self.pick(terminal, "expand the search", unlock=True)
        self.search(terminal, ANOTHER, "digital")
        self.pick(terminal, "expand the search")
        self.search(terminal, ANOTHER, "hetzner")
        self.pick(terminal, "expand the search")
        choose(terminal, ANOTHER, "no other: that is all")
        terminal.expect(re.escape(WHERE))
        titles = "(in place of “Keys EXAMPLE” and “Ocean EXAMPLE” and “Cloud EXAMPLE”)"
        assert titles in terminal.expect(SESSION).replace("\r\n", "")
        terminal.child.send("\r")
        terminal.expect(re.escape(OTHERS))
        before = terminal.expect(r"tofu \(OpenTofu\)")
        terminal.child.send("\x1b[B" * len(re.findall(r"\w \(\w", before)) + " \r")
        terminal.answer(SHELL, "n")
        terminal.ready()
        assert terminal.status() == 0
        assert everywhere(builder) == THREE | {
            key.replace("terraform", "tofu"): t for key, t in THREE.items()
        }

    @pytest.mark.parametrize("at", [TYPE, ANOTHER, WHERE])
    def test_cancelled(self, builder: User, at: str) -> None:
        terminal = self.begin(builder)
        if at != TYPE:
            choose(terminal, TYPE, "Hetzner Cloud: API Token")
            self.pick(terminal, "expand the search", unlock=True)
        if at == WHERE:
            choose(terminal, ANOTHER, "Hetzner Cloud: API Token")
        terminal.expect(re.escape(at))
        terminal.expect(SESSION if at == WHERE else "Hetzner Cloud: API Token")
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
        assert not (builder.config / "defaults.json").exists()
        assert not (builder.config / "plugins.sh").exists()

    def test_two_are_typed_in(self, user: User) -> None:
        user.account()
        terminal = self.begin(user)
        for question, title in ((TYPE, "Hetzner Cloud"), (ANOTHER, "DigitalOcean")):
            terminal.expect(re.escape(question))
            terminal.expect(f"{title}: (API Token|Personal)")
            terminal.child.send(title.lower()[:4])
            terminal.expect(r"/.*(digi|hetz)")
            terminal.child.send("\r")
            choose(terminal, WHICH, TYPED, downs=1)
            terminal.answer("token: ", f"{title} token EXAMPLE")
            if title == "Hetzner Cloud":
                terminal.answer(UNLOCK, PASSWORD)
            terminal.answer(f"title of the new item [{title}]: ", "")
        choose(terminal, ANOTHER, "Amazon Web Services: Access Key")
        choose(terminal, WHERE, SESSION)
        choose(terminal, OTHERS, "tofu (OpenTofu)")
        terminal.answer(SHELL, "n")
        terminal.ready()
        assert terminal.status() == 0
        items = {"terraform/digitalocean": "DigitalOcean", "terraform/hcloud": "Hetzner Cloud"}
        assert everywhere(user) == items
        assert token(user, "Hetzner Cloud") == "Hetzner Cloud token EXAMPLE"
        assert token(user, "DigitalOcean") == "DigitalOcean token EXAMPLE"
