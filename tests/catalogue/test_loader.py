"""The built-in plugins: every file loads, the index is what the files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyturn.aws.labels import CODE, EXPIRES, KEY_ID, REGION, SECRET_KEY, SERIAL, TOKEN
from keyturn.catalogue import compiled, index, loader
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.sdk import schema
from tests.sdk.test_schema import SOUND

LINE = "demo\tdemo\tdemo\town\tDemo CLI\tDemo\tToken\t\ttoken\n"


def test_every_plugin_loads() -> None:
    assert "aws" in loader.names()
    for name in loader.names():
        assert loader.load(name).name == name


def test_the_index_is_what_the_files_say() -> None:
    assert (loader.BUILT_IN / index.FILE).read_text() == loader.index_text()


def test_the_compiled_form_is_what_the_files_say() -> None:
    assert (loader.BUILT_IN / compiled.FILE).read_text() == compiled.text(loader.BUILT_IN), "make catalogue"
    seen = 0
    for name in loader.names():
        content = (loader.BUILT_IN / f"{name}.toml").read_bytes()
        found = compiled.of(name, content, loader.BUILT_IN)
        if found is not None:
            assert found == schema.parse(content, name)
            seen += 1
    assert seen > len(loader.names()) // 2


def test_a_file_that_was_changed_is_read_itself(tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    path.write_text(SOUND)
    (tmp_path / compiled.FILE).write_text(compiled.text(tmp_path))
    compiled.forget()
    assert compiled.of("demo", SOUND.encode(), tmp_path) == schema.parse(SOUND.encode(), "demo")
    changed = SOUND.replace('platform = "Demo"', 'platform = "Other"')
    assert changed != SOUND
    assert compiled.of("demo", changed.encode(), tmp_path) is None
    path.write_text(changed)
    assert loader.load("demo", tmp_path).platform == "Other"


def test_a_compiled_form_of_another_schema_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(SOUND)
    (tmp_path / compiled.FILE).write_text(compiled.text(tmp_path).replace('"secret"', '"secrte"'))
    compiled.forget()
    assert compiled.of("demo", SOUND.encode(), tmp_path) is None
    assert loader.load("demo", tmp_path).platform == "Demo"


def test_find_by_executable() -> None:
    found = loader.find_by_executable("aws")
    assert found is not None
    assert found is loader.load("aws")
    assert loader.find_by_executable("ls") is None
    assert loader.find_by_executable("../aws") is None


def test_only_the_plugin_that_is_needed_is_read(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(SOUND)
    (tmp_path / "broken.toml").write_text("frob")
    (tmp_path / index.FILE).write_text(LINE)
    found = loader.find_by_executable("demo", tmp_path)
    assert found is not None
    assert found.name == "demo"
    with pytest.raises(ConfigurationError, match="not TOML"):
        loader.load("broken", tmp_path)


@pytest.mark.parametrize("name", ["nope", "", "../aws", "AWS", "a/b", "aws\n"])
def test_an_unknown_name(name: str) -> None:
    with pytest.raises(UsageError, match="no plugin is called"):
        loader.load(name)


def test_a_file_is_called_as_its_plugin(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(SOUND)
    with pytest.raises(ConfigurationError, match="name: expected other"):
        loader.load("other", tmp_path)


def test_an_empty_catalogue_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no plugin is here"):
        loader.index_text(tmp_path)


def test_two_plugins_do_not_wrap_one_command(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(SOUND)
    (tmp_path / "demo2.toml").write_text(SOUND.replace('name = "demo"', 'name = "demo2"'))
    with pytest.raises(ConfigurationError, match="demo is wrapped by two plugins"):
        loader.index_text(tmp_path)


def test_a_damaged_index(tmp_path: Path) -> None:
    for line in (
        "frob",
        "demo demo",
        LINE.replace("own", "some"),
        LINE.replace("demo\tdemo", "demo\t../x", 1),
    ):
        index.read.cache_clear()
        (tmp_path / index.FILE).write_text(f"{LINE}{line.strip()}\n")
        with pytest.raises(ConfigurationError, match="line 2"):
            loader.find_by_executable("demo", tmp_path)


def test_what_is_listed_is_what_the_files_say() -> None:
    for listed in loader.listed().values():
        plugin = loader.load(listed.plugin)
        executable = plugin.executable(listed.runs)
        assert executable is not None
        assert (listed.owner, listed.platform, listed.credential) == (
            plugin.owner,
            plugin.platform,
            plugin.credential.title,
        )
        assert (listed.name, listed.any_credential) == (executable.name, executable.any_credential)
        assert listed.required == tuple(f.label for f in plugin.credential.fields if not f.optional)
    assert [name for name, each in loader.listed().items() if each.any_credential] == ["terraform", "tofu"]


def test_the_credentials_that_there_are() -> None:
    own = [name for name in loader.names() if not loader.load(name).uses]
    assert list(loader.credentials()) == own
    assert {"aws", "digitalocean", "hcloud"} <= set(own)


def test_a_title_that_no_line_of_the_index_holds(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(SOUND.replace('"Demo CLI"', '"Demo\\tCLI"'))
    with pytest.raises(ConfigurationError, match="characters that no line can hold"):
        loader.index_text(tmp_path)


def test_the_aws_plugin_has_the_fields_that_its_hook_reads() -> None:
    credential = loader.load("aws").credential
    for label in (KEY_ID, SECRET_KEY, TOKEN, EXPIRES, REGION, CODE, SERIAL):
        assert credential.field(label) is not None
    assert [field.label for field in credential.fields if field.secret] == [SECRET_KEY, TOKEN, CODE]


def test_what_the_aws_plugin_reads_of_the_caller() -> None:
    """The keys in its environment among it, for `credential_source = Environment` alone
    (tests/aws/test_no_fall_through.py)."""
    plugin = loader.load("aws")
    for name in (b"PATH", b"SSH_AUTH_SOCK", b"GITHUB_TOKEN", b"AWS_ROLE_ARN"):
        assert not plugin.reads_variable(name)
    for name in (b"AWS_PROFILE", b"AWS_CONFIG_FILE", b"AWS_REGION", b"HOME", b"AWS_SECRET_ACCESS_KEY"):
        assert plugin.reads_variable(name)
