"""Variables that hold a part of a credential, one of several, or one whose fields may all lack."""

import pytest

from keyturn.sdk import schema
from keyturn.sdk.importers import Findings, from_environment

HEAD = """
name = "x"
platform = "X"
[credential]
name = "token"
title = "Token"
[[credential.field]]
label = "API Key"
secret = true
{required}
[[credential.field]]
label = "app key"
secret = true
optional = true
[[credential.field]]
label = "host"
{host}
[provision.environment]
X_TOKEN = "api key"
[[executable]]
runs = "x"
name = "X"
needs_auth = {{ not = {{ no_arguments = true }} }}
[[import]]
"""
OPTIONAL = "optional = true"


def find(words: str, environment: dict[str, str], *, required: bool = True, host: bool = False) -> Findings:
    head = HEAD.format(required="" if required else OPTIONAL, host="" if host else OPTIONAL)
    return from_environment(schema.parse((head + words).encode(), "x.toml"), environment)


ALL = 'environment = { KEY = "api key", APP = "app key", HOST = "host" }\n'


@pytest.mark.parametrize(
    ("words", "environment", "why"),
    [
        (ALL, {"APP": "a"}, []),
        (ALL, {"HOST": "h"}, []),
        (ALL + 'need = ["host"]', {"KEY": "k"}, ["HOST is missing"]),
        (ALL + 'need = ["host"]', {"KEY": "k", "HOST": ""}, ["HOST is missing"]),
        (ALL + 'need_any = ["app key", "host"]', {"KEY": "k"}, ["APP or HOST is missing"]),
        (ALL + 'refuse_with = ["SESSION"]', {"KEY": "k", "SESSION": "s"}, ["SESSION is set: temporary keys"]),
        (ALL, {"KEY": "a\nb"}, ["its API Key has more than one line"]),
    ],
)
def test_what_is_not_offered(words: str, environment: dict[str, str], why: list[str]) -> None:
    found = find(words, environment)
    assert not found.candidates
    assert [each.reason for each in found.rejected] == why


def test_a_field_that_no_variable_holds_is_missing() -> None:
    found = find('environment = { KEY = "api key" }', {"KEY": "k"}, host=True)
    assert [(each.source, each.reason) for each in found.rejected] == [
        ("KEY in the environment", "its host is missing")
    ]
    assert not found.candidates


def test_labels_are_the_credentials_own() -> None:
    [found] = find(ALL, {"KEY": "k", "HOST": "h"}).candidates
    assert list(found.fields) == ["API Key", "host"]


def test_where_no_field_has_to_be_there_a_secret_has_to() -> None:
    assert find(ALL, {"HOST": "h"}, required=False) == Findings()
    [found] = find(ALL, {"APP": "a", "HOST": "h"}, required=False).candidates
    assert list(found.fields) == ["app key", "host"]
    assert found.variables == ("APP",)
