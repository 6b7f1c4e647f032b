"""Provisioning by files and arguments: what a command gets of an item's fields."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from keyturn.ground.errors import ConfigurationError, UncarriedError
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, ItemReference, new_field, new_item
from keyturn.sdk.merging import merged
from keyturn.sdk.parts import PartFile, Parts
from keyturn.sdk.provisioners import provision_by_tables, provision_fields
from keyturn.sdk.run import Invocation, NeedItem, NeedWork, Provisioned, Selection
from keyturn.sdk.schema import Plugin, parse
from tests.sdk.test_provision_schema import WHOLE
from tests.sdk.test_quoting import HOSTILE

PLUGIN = parse(WHOLE.encode(), "demo.toml")
FIELDS = {"user": "ada", "password": "pass EXAMPLE", "host": "h"}


def provided(
    arguments: str = "run", executable: str = "demo", plugin: Plugin = PLUGIN, **fields: str
) -> Provisioned:
    values = {label: Secret(value) for label, value in {**FIELDS, **fields}.items()}
    words = tuple(word.encode() for word in arguments.split())
    return provision_fields(plugin, executable, values, words)


def changed(old: str, new: str) -> Plugin:
    assert old in WHOLE
    return parse(WHOLE.replace(old, new, 1).encode(), "demo.toml")


def texts(done: Provisioned) -> dict[str, str]:
    return {file.path: file.content.reveal() for file in done.files}


def test_everything_at_once() -> None:
    done = provided("run x -- y")
    assert done.assign == {
        "DEMO_HOST": b"h",
        "DEMO_AUTH": b"Bearer pass EXAMPLE",
        "DEMO_MODE": b"x",
        "DEMO_FILE": b"/private/demo/demo/my.cnf",
        "DEMO_DIR": b"/private/demo",
    }
    assert done.remove == ("DEMO_OLD",)
    # A file's own words come first; the password's stand behind the command's word and before the bare `--`.
    assert done.arguments == (
        *(b"--file=/private/demo/demo/my.cnf", b"run"),
        *(b"--password", b"pass EXAMPLE", b"x", b"--", b"y"),
    )
    assert texts(done) == {
        "/private/demo/demo/my.cnf": "[client]\nuser = ada\npassword = pass EXAMPLE\n",
        "/private/demo/demo.json": '{"logins": [{"password": "pass EXAMPLE", "default": true}]}\n',
    }
    assert [(file.is_pipe, file.lives_with_tree) for file in done.files] == [(False, False), (True, True)]
    assert "pass EXAMPLE" not in repr(done)
    assert done.reasons == (
        "a file in memory, my.cnf, until the command has ended",
        "a named pipe, demo.json, until the command and what it leaves running have ended",
    )


def test_a_pipe_where_a_file_cannot_be() -> None:
    done = provided(plugin=changed("pipe = true", 'pipe = "fallback"'))
    assert [(file.is_pipe, file.may_be_pipe) for file in done.files] == [(False, False), (False, True)]
    assert [(file.is_pipe, file.may_be_pipe) for file in provided().files] == [(False, False), (True, False)]


def test_an_executable_has_its_own_way_and_lifetime() -> None:
    done = provided(executable="democtl")
    assert done.assign == {"DEMOCTL": b"pass EXAMPLE"}
    assert (done.arguments, done.files, done.remove) == ((b"run",), (), ())
    plugin = changed('runs = "demo"', 'file_lifetime = "tree"\nruns = "demo"')
    assert [file.lives_with_tree for file in provided(plugin=plugin).files] == [True, True]


def test_what_the_caller_gave_stays_the_callers() -> None:
    done = provided("run -a own -psecret")
    assert done.arguments == (b"--file=/private/demo/demo/my.cnf", b"run", b"-a", b"own", b"-psecret")
    assert "DEMO_AUTH" not in done.assign
    assert "DEMO_AUTH" not in done.remove
    plugin = changed('arguments = ["--file={path}"]', 'arguments = ["--file={path}"]\nunless = ["--file"]')
    done = provided("run --file mine -p x", plugin=plugin)
    assert done.arguments == (b"run", b"--file", b"mine", b"-p", b"x")
    assert list(texts(done)) == ["/private/demo/demo.json"]
    assert "DEMO_FILE" not in done.assign


def test_what_is_missing_is_left_out() -> None:
    """An optional field: its entry, its whole file, its argument, its variable."""
    plugin = changed(
        'field = "password" },\n]',
        'field = "password" },\n  { section = "c", key = "h", field = "host" },\n]',
    )
    assert "[c]\nh = h\n" in texts(provided(plugin=plugin))["/private/demo/demo/my.cnf"]
    assert "[c]" not in texts(provided(plugin=plugin, host=""))["/private/demo/demo/my.cnf"]
    always = parse(WHOLE.replace('{ key = ["logins", 0, "password"], field = "password" }',
                                 '{ key = "h", field = "host" }').encode(), "x")  # fmt: skip
    assert "/private/demo/demo.json" in texts(provided(plugin=always))
    missing = provided(plugin=always, host="")
    assert list(texts(missing)) == ["/private/demo/demo/my.cnf"]
    assert "DEMO_DIR" not in missing.assign
    words = changed('["--password", "{password}"]', '["--password", "{password}", "{host}"]')
    assert b"--password" in provided(plugin=words).arguments
    assert b"--password" not in provided(plugin=words, host="").arguments
    assert "DEMO_HOST" not in provided(host="").assign


def test_an_entry_that_is_always_there() -> None:
    entry = '  { section = "c", key = "h", field = "host", always = true },\n'
    plugin = changed('field = "password" },\n]', f'field = "password" }},\n{entry}]')
    assert "[c]\nh =\n" in texts(provided(plugin=plugin, host=""))["/private/demo/demo/my.cnf"]


@pytest.mark.parametrize("value", ["-rf", "--help", "-"])
def test_a_value_is_never_an_option(value: str) -> None:
    with pytest.raises(
        UncarriedError, match="the field “password” cannot be given to demo: it begins with -"
    ):
        provided(password=value)
    plugin = changed('["--password", "{password}"]', '["--password={password}"]')
    assert f"--password={value}".encode() in provided(plugin=plugin, password=value).arguments


@pytest.mark.parametrize("value", [each for each in HOSTILE if each])
def test_a_hostile_value_arrives_or_is_refused_in_its_fields_name(value: str) -> None:
    plugin = changed('["--password", "{password}"]', '["--p={password}"]')
    try:
        done = provided(password=value, plugin=plugin)
    except UncarriedError as error:
        refusal = error.message
    else:
        refusal = ""
        assert done.assign["DEMO_AUTH"] == f"Bearer {value}".encode()
        assert f"--p={value}".encode() in done.arguments
        assert f"\npassword = {value}\n" in texts(done)["/private/demo/demo/my.cnf"]
    assert refusal.startswith("the field “password” ") or not refusal


def test_one_field_alone_is_a_files_text_as_it_is() -> None:
    """A key of many lines, say; but between words of the plugin's own it must mean nothing."""
    key = "-----BEGIN KEY-----\n\"'#%\n-----END KEY----- EXAMPLE\n"
    start, end = WHOLE.index('format = "json"'), WHOLE.index('directory_variable = "DEMO_DIR"')

    def plugin(content: str) -> Plugin:
        text = WHOLE[:start] + f'format = "text"\ncontent = [{content}]\n' + WHOLE[end:]
        return parse(
            text.replace('{ section = "client", key = "password", field = "password" },', "").encode(), "x"
        )

    alone = plugin('{ field = "password" }, { value = "\\n" }')
    values = {"user": Secret("ada"), "password": Secret(key)}
    done = provision_fields(alone, "demo", values, (b"-p", b"-a"))
    assert texts(done)["/private/demo/demo.json"] == key + "\n"
    between = plugin('{ value = "token = \\"" }, { field = "password" }, { value = "\\"\\n" }')
    with pytest.raises(UncarriedError, match=r"in demo\.json: it holds white space"):
        provision_fields(between, "demo", values, (b"-p", b"-a"))
    values["password"] = Secret("abcEXAMPLE")
    done = provision_fields(between, "demo", values, (b"-p", b"-a"))
    assert texts(done)["/private/demo/demo.json"] == 'token = "abcEXAMPLE"\n'


def test_another_plugins_command_gets_no_arguments() -> None:
    """terraform knows no --password of ours; what can be told by a variable it gets."""
    done = provided(executable="terraform")
    assert done.arguments == (b"run",)
    assert done.assign["DEMO_FILE"] == b"/private/demo/demo/my.cnf"
    only = changed('path_variable = "DEMO_FILE"\n', "")
    with pytest.raises(ConfigurationError, match="Demo: its credential is given by an argument"):
        provided(executable="terraform", plugin=only, password="two\nlines")
    assert b"--file=/private/demo/demo/my.cnf" in provided(plugin=only).arguments


def test_files_of_two_plugins_for_one_command_do_not_meet() -> None:
    other = parse(WHOLE.replace('"demo"', '"other"').replace("DEMO", "OTHER").encode(), "other.toml")
    fields = {label: Secret(value) for label, value in FIELDS.items()}
    parts = {each.name: provision_fields(each, "terraform", fields) for each in (PLUGIN, other)}
    done = merged(parts, Invocation("terraform", b"/bin/terraform", (), {}, "/", private="/private"))
    assert sorted(texts(done)) == [
        "/private/demo/demo.json",
        "/private/demo/demo/my.cnf",
        "/private/other/demo.json",
        "/private/other/demo/my.cnf",
    ]
    assert done.assign["OTHER_FILE"] == b"/private/other/demo/my.cnf"


def test_a_file_that_is_too_large_for_a_credential() -> None:
    with pytest.raises(UncarriedError, match="it holds more than a file of"):
        provided(password="x" * (1024 * 1024))


def test_a_hook_adds_to_the_tables() -> None:
    plugin = changed(
        "[executable.provision]\nenvironment", '[executable.provision]\nhook = "npm"\nenvironment'
    )

    def hook(values: Mapping[str, Secret], call: Invocation) -> Parts:
        assert call.arguments == (b"run",)
        text = Secret(f"//{values['host'].reveal()}/:_authToken={values['password'].reveal()}")
        return Parts({"MORE": values["user"]}, ("LESS",), (PartFile(".npmrc", text, "USERCONFIG", "DIR"),))

    values = {label: Secret(value) for label, value in FIELDS.items()}
    done = provision_fields(plugin, "democtl", values, (b"run",), hooks={"npm": hook})
    assert done.assign == {
        "DEMOCTL": b"pass EXAMPLE",
        "MORE": b"ada",
        "USERCONFIG": b"/private/demo/.npmrc",
        "DIR": b"/private/demo",
    }
    assert done.remove == ("LESS",)
    assert texts(done) == {"/private/demo/.npmrc": "//h/:_authToken=pass EXAMPLE"}
    assert done.files[0].lives_with_tree, "as its command says of all its files"
    with pytest.raises(ConfigurationError, match="names an unknown hook: npm"):
        provision_fields(plugin, "democtl", values, (b"run",))


def test_of_an_item_and_what_it_refuses_names_the_item() -> None:
    def item(password: str) -> Item:
        fields = [new_field("User", FieldType.TEXT, Secret("ada"))]
        fields.append(new_field("Pass-word", FieldType.CONCEALED, Secret(password)))
        return new_item("My Demo", fields, "2026-01-01T00:00:00Z")

    def step(chosen: Item) -> NeedItem | NeedWork | Provisioned:
        reference = ItemReference("a" * 26, "b" * 26, chosen.id, "Demo")
        selected = Selection(Resolution(reference, "the global default"))
        call = Invocation("demo", b"/bin/demo", (b"run",), {}, "/", private="/run/x")
        return provision_by_tables(PLUGIN)(call, selected, {chosen.id: chosen})

    done = step(item("secret EXAMPLE"))
    assert isinstance(done, Provisioned)
    assert [file.path for file in done.files] == ["/run/x/demo/demo/my.cnf", "/run/x/demo/demo.json"]
    assert done.reasons[0] == "item “My Demo”: the global default"
    bad = item("two\nlines EXAMPLE")
    with pytest.raises(UncarriedError) as caught:
        step(bad)
    assert caught.value.message == (
        "item “My Demo”: the field “password” cannot be given to demo in demo/my.cnf:"
        " it holds line breaks or control characters"
    )
    assert caught.value.hints == (f"mend it: keyturn item edit {bad.id}",)
