"""Several credentials of one command: what inspect and list say of them, and how they are taken away."""

import json
import re

from keyturn.ground.errors import Status
from tests.programs.test_plugin_credentials import builder, everywhere, init, three
from tests.programs.user import User

__all__ = ["builder"]  # a fixture


class TestClear:
    def clear(self, user: User, *words: str) -> list[str]:
        return user.keyturn("plugin", "clear", "terraform", *words).succeeds().errors.splitlines()

    def test_one_layer_with_all_that_is_in_it(self, builder: User) -> None:
        three(builder)
        (builder.home / "work").mkdir()
        init(builder, "terraform", "--credential", "hcloud", "--item", "Ocean EXAMPLE", "--directory", "work")
        builder.keyturn("lock").succeeds()
        words = ("plugin", "clear", "terraform")
        said = builder.keyturn(*words, directory=builder.home / "work").succeeds().errors.splitlines()
        assert said == [
            "cleared the default of ~/work and below for hcloud: “Ocean EXAMPLE”",
            "terraform now uses the global default: “Keys EXAMPLE”",
            "terraform now uses the global default for digitalocean: “Ocean EXAMPLE”",
            "terraform now uses the global default for hcloud: “Cloud EXAMPLE”",
        ]
        assert self.clear(builder) == [
            "cleared the global default: “Keys EXAMPLE”",
            "cleared the global default for digitalocean: “Ocean EXAMPLE”",
            "cleared the global default for hcloud: “Cloud EXAMPLE”",
            "terraform has no default here now",
        ]
        assert everywhere(builder) == {}

    def test_one_credential(self, builder: User) -> None:
        three(builder)
        assert self.clear(builder, "--credential", "hcloud") == [
            "cleared the global default for hcloud: “Cloud EXAMPLE”",
            "terraform for the credential of hcloud has no default here now",
        ]
        assert self.clear(builder, "--credential", "aws") == [
            "cleared the global default: “Keys EXAMPLE”",
            "terraform has no default here now",
        ]
        assert everywhere(builder) == {"terraform/digitalocean": "Ocean EXAMPLE"}
        gone = ("plugin", "clear", "terraform", "--credential", "hcloud")
        builder.keyturn(*gone).fails(
            Status.NO_DEFAULT, "no default of terraform for the credential of hcloud"
        )

    def test_one_whose_plugin_is_gone(self, builder: User) -> None:
        three(builder)
        path = builder.config / "defaults.json"
        path.write_text(path.read_text().replace("terraform/hcloud", "terraform/gone"))
        assert "terraform  " not in builder.keyturn("plugin", "inspect", "terraform").succeeds().errors
        assert "(gone)" in builder.keyturn("plugin", "inspect", "terraform").succeeds().output
        assert self.clear(builder, "--credential", "gone")[0].startswith(
            "cleared the global default for gone"
        )

    def test_all_named_before_it_asks(self, builder: User) -> None:
        three(builder)
        terminal = builder.terminal()
        terminal.type("keyturn plugin clear terraform --all")
        asked = terminal.expect(r"clear all 3\? \[y/N\] ")
        assert "the global default for hcloud: “Cloud EXAMPLE”" in asked
        terminal.type("y")
        terminal.ready()
        assert everywhere(builder) == {}


def test_inspect_and_list_show_them(builder: User) -> None:
    three(builder)
    (builder.home / "work").mkdir()
    init(builder, "terraform", "--credential", "hcloud", "--item", "Ocean EXAMPLE", "--directory", "work")
    builder.keyturn("lock").succeeds()
    flags = ("plugin", "inspect", "terraform", "--explain")
    printed = builder.keyturn(*flags, directory=builder.home / "work").succeeds().output
    rows = [re.split(r" {2,}", line) for line in printed.splitlines()[3:]]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("~/work and below", "Ocean EXAMPLE", "API Token (hcloud)"),
        ("everywhere", "Keys EXAMPLE", "Access Key (aws)"),
        ("everywhere", "Ocean EXAMPLE", "Personal Access Token (digitalocean)"),
        ("everywhere", "Cloud EXAMPLE", "API Token (hcloud)"),
    ]
    assert [row[5].partition(":")[0] for row in rows] == ["used", "used", "used", "not used"]
    parsed = json.loads(builder.keyturn(*flags[:3], "--format", "json").succeeds().output)
    [found] = parsed["executables"]
    assert [(row["plugin"], row["used"]) for row in found["defaults"]] == [
        ("aws", True),
        ("digitalocean", True),
        ("hcloud", True),
    ]
    everything = builder.keyturn("plugin", "inspect", "--all").succeeds().output
    assert [line for line in everything.splitlines() if line.endswith(")")] == ["terraform (Terraform)"]
    listed = json.loads(builder.keyturn("plugin", "list", "--format", "json").succeeds().output)["plugins"]
    assert [row["executable"] for row in listed if row["configured"]] == ["terraform"]
