"""A person's own plugins: found, checked, read again when they change, and broken ones kept to themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keyturn.catalogue import loader, own
from keyturn.ground.errors import ConfigurationError, UsageError
from tests.catalogue.own_files import OwnFiles, plugin_text


def faults() -> list[str]:
    return [each.message for each in loader.broken()]


def test_without_any_there_are_the_built_in_ones(mine: OwnFiles) -> None:
    assert faults() == []
    assert "aws" in loader.names()
    assert not any(each.own for each in loader.listed().values())
    assert loader.find_by_executable("mytool") is None
    with pytest.raises(UsageError, match="no plugin is called mine"):
        loader.load("mine")


def test_one_is_known_like_the_built_in_ones(mine: OwnFiles) -> None:
    mine.write()
    plugin = loader.find_by_executable("mytool")
    assert plugin is not None
    assert plugin is loader.load("mine")
    assert "mine" in loader.names()
    listed = loader.listed()["mytool"]
    assert (listed.plugin, listed.own, listed.required) == ("mine", True, ("token",))
    assert list(loader.listed()) == sorted(loader.listed())
    assert "mine" in loader.credentials()
    assert [each.runs for _, each in loader.wrapping(plugin.tag)] == ["mytool", "terraform", "tofu"]
    assert faults() == []


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(mine: OwnFiles) -> None:
    path = mine.write()
    first = loader.load("mine")
    assert loader.load("mine") is first
    path.write_text(plugin_text().replace("MY_TOKEN", "MY_SECOND_TOKEN"))
    assert loader.load("mine").provision.labels == ("token",)
    assert "MY_SECOND_TOKEN" in loader.load("mine").provision.variables
    mine.write("other", "othertool")
    assert loader.find_by_executable("othertool") is not None
    path.unlink()
    assert loader.find_by_executable("mytool") is None
    assert loader.find_by_executable("othertool") is not None


def test_a_broken_one_breaks_no_other(mine: OwnFiles) -> None:
    mine.write("good", "goodtool")
    path = mine.write(text=plugin_text().replace("secret =", "secrte ="))
    assert faults() == [
        f"{path}: line 12: credential.field[0].secrte: unknown key; did you mean “secret”?",
    ]
    assert loader.find_by_executable("goodtool") is not None
    assert loader.find_by_executable("aws") is loader.load("aws")
    with pytest.raises(ConfigurationError, match="secrte"):
        loader.find_by_executable("mytool")
    with pytest.raises(ConfigurationError, match="secrte"):
        loader.load("mine")


def test_one_that_is_no_toml_breaks_no_command(mine: OwnFiles) -> None:
    mine.write(text="frob")
    assert len(faults()) == 1
    assert "at the end: not TOML" in faults()[0]
    assert loader.find_by_executable("mytool") is None


def test_a_built_in_command_is_taken_over_only_in_so_many_words(mine: OwnFiles) -> None:
    path = mine.write("my-aws", "aws")
    taken = f"{path}: executable: aws is wrapped by the built-in plugin aws; expected another command, or "
    assert faults() == [taken + 'replaces = ["aws"] if this file is to take it over']
    assert loader.find_by_executable("aws") is loader.load("aws")
    mine.write("my-aws", "aws", 'replaces = ["aws"]')
    assert faults() == []
    found = loader.find_by_executable("aws")
    assert found is not None
    assert found.name == "my-aws"
    assert (loader.listed()["aws"].plugin, loader.listed()["aws"].own) == ("my-aws", True)
    # The plugin is still there, for those that use its credential and for `plugin run --plugin`.
    assert loader.load("aws").name == "aws"
    assert "aws" in loader.credentials()
    assert "aws" not in [each.runs for _, each in loader.wrapping(loader.load("aws").tag)]


def test_one_that_takes_over_and_is_broken_gives_nothing_back_in_silence(mine: OwnFiles) -> None:
    """The person said that it is theirs: with the built-in one it would get another credential."""
    text = plugin_text("my-aws", "aws", 'replaces = ["aws"]')
    mine.write("my-aws", text=text.replace("secret =", "secrte ="))
    with pytest.raises(ConfigurationError, match="secrte"):
        loader.find_by_executable("aws")
    assert loader.find_by_executable("doctl") is not None


@pytest.mark.parametrize(
    ("name", "runs", "more", "said"),
    [
        ("aws", "mytool", "", "name: a built-in plugin is called aws; expected another name"),
        ("mine", "mytool", 'replaces = ["frob"]', "replaces: no built-in plugin wraps frob"),
        ("mine", "mytool", 'replaces = ["aws"]', "replaces: aws is not among the executables of this file"),
    ],
)
def test_what_is_refused(mine: OwnFiles, name: str, runs: str, more: str, said: str) -> None:
    path = mine.write(name, runs, more)
    assert faults()[0].startswith(f"{path}: {said}")


def test_a_file_is_called_as_its_plugin(mine: OwnFiles) -> None:
    path = mine.write("other", text=plugin_text("mine"))
    assert faults() == [f"{path}: name: expected the name of the file without .toml"]


def test_two_do_not_wrap_one_command(mine: OwnFiles) -> None:
    mine.write("one")
    path = mine.write("two")
    assert faults() == [f"{path}: executable: mytool is wrapped by your plugin one; expected another command"]
    found = loader.find_by_executable("mytool")
    assert found is not None
    assert found.name == "one"


def test_the_credential_of_another_plugin(mine: OwnFiles) -> None:
    using = '\nname = "{}"\nplatform = "X"\nuses = "{}"\n[[executable]]\nruns = "{}"\nname = "X"\n'
    using += "needs_auth = {{ not = {{ no_arguments = true }} }}\n"
    mine.write("s4", text=using.format("s4", "aws", "s4"))
    mine.write("mine")
    mine.write("sibling", text=using.format("sibling", "mine", "sibling"))
    assert faults() == []
    assert loader.load("s4").tag == loader.load("aws").tag
    assert loader.load("sibling").tag == loader.load("mine").tag
    mine.write("circle", text=using.format("circle", "sibling", "circle"))
    assert "circle.toml: uses: expected" in faults()[0] or "sibling.toml: uses: expected" in faults()[0]


def test_a_secret_in_an_argument_is_told_of(mine: OwnFiles) -> None:
    argument = '[[provision.argument]]\nwords = ["--token={token}"]\n'
    text = plugin_text().replace("[provision.environment]", f"{argument}WARNING[provision.environment]")
    path = mine.write(text=text.replace("WARNING", ""))
    assert faults() == [
        f"{path}: the file: an argument with a secret in it needs a warning: why there is no other way"
    ]
    mine.write(text=text.replace("WARNING", 'warning = "mytool has no other way"\n'))
    assert faults() == []
    assert loader.listed()["mytool"].warning == "mytool has no other way"


def test_code_is_not_named(mine: OwnFiles) -> None:
    """Hooks are code of the built-in plugins, written for their fields."""
    text = plugin_text().replace('[provision.environment]\nMY_TOKEN = "token"', '[provision]\nhook = "aws"')
    path = mine.write(text=text)
    assert faults() == [f"{path}: provision.hook: expected none: hooks are for built-in plugins"]
    importing = plugin_text() + '\n[[import]]\nhook = "aws-files"\n'
    mine.write(text=importing)
    assert faults() == [f"{path}: import.hook: expected none: hooks are for built-in plugins"]


class TestWhoseFilesTheyAre:
    """Who could write a file there could have a secret sent anywhere."""

    def test_a_file_that_others_may_write(self, mine: OwnFiles) -> None:
        path = mine.write()
        path.chmod(0o620)
        assert "that nobody else may write" in faults()[0]
        assert loader.find_by_executable("mytool") is None

    def test_a_directory_that_others_may_write(self, mine: OwnFiles) -> None:
        mine.write()
        mine.plugins.chmod(0o770)
        assert faults() == [
            f"{mine.plugins}: expected a directory of yours that nobody else may write (mode 0700)"
        ]
        mine.plugins.chmod(0o700)
        assert faults() == []

    def test_a_directory_that_is_a_link(self, mine: OwnFiles, tmp_path: Path) -> None:
        mine.write()
        mine.plugins.rename(tmp_path / "elsewhere")
        mine.plugins.symlink_to(tmp_path / "elsewhere")
        assert faults() == [f"{mine.plugins}: expected a directory, no link"]
        assert loader.find_by_executable("mytool") is None

    def test_a_link_to_a_file_of_ours_is_followed(self, mine: OwnFiles, tmp_path: Path) -> None:
        """As programs that keep people's configuration make them."""
        store = tmp_path / "store"
        store.mkdir(mode=0o700)
        mine.write().rename(store / "mine.toml")
        (mine.plugins / "mine.toml").symlink_to(store / "mine.toml")
        assert faults() == []
        assert loader.find_by_executable("mytool") is not None
        store.chmod(0o777)
        (mine.plugins / "mine.toml").touch()
        assert "in a directory of yours" in faults()[0]

    @pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
    def test_a_file_of_somebody_else(self, mine: OwnFiles) -> None:
        os.chown(mine.write(), 65534, 65534)
        assert "expected a file of yours" in faults()[0]

    def test_what_is_no_file(self, mine: OwnFiles) -> None:
        mine.write()
        os.mkfifo(mine.plugins / "pipe.toml", 0o600)
        (mine.plugins / "directory.toml").mkdir()
        (mine.plugins / "nowhere.toml").symlink_to("/nowhere")
        assert len(faults()) == 3
        assert loader.find_by_executable("mytool") is not None

    def test_a_file_that_is_too_large(self, mine: OwnFiles) -> None:
        mine.write(text=plugin_text() + "#" * own.LARGEST)
        assert f"expected at most {own.LARGEST} bytes" in faults()[0]

    def test_too_many(self, mine: OwnFiles) -> None:
        for number in range(own.MOST + 1):
            mine.write(f"p{number}", text="x = 1")
        assert faults() == [f"{mine.plugins}: {own.MOST + 1} files; expected at most {own.MOST}"]

    def test_what_an_editor_leaves_is_passed_over(self, mine: OwnFiles) -> None:
        mine.write()
        for name in (".mine.toml", "mine.toml~", ".#mine.toml", "notes.txt"):
            (mine.plugins / name).write_text("frob")
        assert faults() == []


def test_a_command_of_a_built_in_plugin_costs_no_parsing(
    mine: OwnFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.write()
    mine.write("broken", text="frob")

    def refuse(self: own.OwnPlugins) -> own.Own:
        raise AssertionError("all files are parsed")

    monkeypatch.setattr(own.OwnPlugins, "current", refuse)
    assert loader.find_by_executable("aws") is not None
    with pytest.raises(AssertionError):
        loader.find_by_executable("mytool")
