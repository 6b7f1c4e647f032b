"""Settings: strict to read, careful to change."""

from pathlib import Path

import pytest

from keyturn.ground import settings
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_without_a_file_the_defaults_hold(path: Path) -> None:
    assert settings.load(path) == Settings()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[approval]\nidle_minutes = 0", "idle_minutes"),
        ("[approval]\nidle_minutes = '10'", "idle_minutes"),
        ("[approval]\nidle = 10", "idle"),
        ("[aproval]\nidle_minutes = 10", "aproval"),
        ("approval = 3", "approval"),
        ("[approval\n", "line 1"),
        ("\ufffe\x00", "settings.toml"),
    ],
)
def test_what_is_wrong_is_named(path: Path, content: str, problem: str) -> None:
    path.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        settings.load(path)
    assert problem in caught.value.message
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[approval]\nprest = 'strict'", "approval.prest: unknown key; did you mean “approval.preset”?"),
        ("[aproval]\npreset = 'strict'", "aproval: unknown key; did you mean “approval”?"),
        ("[approval]\npreset = 'loose'", "approval.preset: expected one of strict, balanced, login-session"),
        ("[approval]\nidle_minutes = '10'", "approval.idle_minutes: expected a whole number, got text"),
        ("[approval]\nidle_minutes = 900", "approval.idle_minutes: expected a whole number, at most 720"),
        ("[approval]\ninherit = 1", "approval.inherit: expected true or false, got a whole number"),
        ("approval = 3", "approval: expected a table, got a whole number"),
        ("[executables]\ntrusted_directories = [3]", "trusted_directories[0]: expected text, got a whole"),
    ],
)
def test_it_is_said_in_the_words_of_who_writes_the_file(path: Path, content: str, said: str) -> None:
    path.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        settings.load(path)
    assert said in caught.value.message


def test_a_key_typed_nearly_right_is_told(path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        settings.change(path, "aproval.preset", "strict")
    assert caught.value.hints == ("did you mean: approval.preset", "see: keyturn settings")


def test_changing_keeps_comments_and_everything_else(path: Path) -> None:
    path.write_text("# mine\n[approval]\nidle_minutes = 5 # short\n\n[vault]\nversions_kept = 3\n")
    settings.change(path, "approval.idle_minutes", "7")
    assert path.read_text() == "# mine\n[approval]\nidle_minutes = 7 # short\n\n[vault]\nversions_kept = 3\n"
    settings.change(path, "vault.versions_kept", None)
    assert settings.load(path).vault.versions_kept == 5
    assert settings.load(path).approval.idle_minutes == 7
    assert "# mine" in path.read_text()


def test_every_setting_can_be_set_to_its_default_and_back(path: Path) -> None:
    for key, _, default, description in settings.rows(Settings()):
        assert description, key
        settings.change(path, key, settings.text(default))
        assert settings.get(settings.load(path), key) == default
        settings.change(path, key, None)
        settings.change(path, key, None)


def test_a_list_of_directories(path: Path) -> None:
    settings.change(path, "executables.trusted_directories", '["/opt/bin", "/x y"]')
    assert settings.load(path).executables.trusted_directories == ("/opt/bin", "/x y")


@pytest.mark.parametrize(
    ("key", "value"), [("approval.idle_minutes", "0"), ("approval.idle_minutes", "soon")]
)
def test_a_bad_value_changes_nothing(path: Path, key: str, value: str) -> None:
    path.write_text("[vault]\nversions_kept = 3\n")
    with pytest.raises(UsageError, match="cannot be"):
        settings.change(path, key, value)
    assert path.read_text() == "[vault]\nversions_kept = 3\n"


def test_an_unknown_key_is_named_with_the_place_of_the_known_ones(path: Path) -> None:
    for attempt in (
        lambda: settings.change(path, "vault.size", "1"),
        lambda: settings.get(Settings(), "vault"),
    ):
        with pytest.raises(UsageError, match="no setting is called") as caught:
            attempt()
        assert caught.value.hints == ("see: keyturn settings",)
    assert not path.exists()
