"""npm's variables by registry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.catalogue.hooks import npm
from keyturn.ground.errors import UncarriedError
from keyturn.ground.secret import Secret
from keyturn.sdk.parts import Parts
from keyturn.sdk.run import Invocation


def provide(executable: str = "npm", **fields: str) -> Parts:
    call = Invocation(executable, b"/bin/npm", (), {}, "/")
    return npm.provide({label: Secret(value) for label, value in {"token": "t", **fields}.items()}, call)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("npm.example.com", "//npm.example.com/"),
        ("https://npm.example.com", "//npm.example.com/"),
        ("//npm.example.com/", "//npm.example.com/"),
        ("http://NPM.Example.com:4873/a/b", "//npm.example.com:4873/a/b/"),
        (" https://npm.example.com/a//", "//npm.example.com/a/"),
        ("https://npm.example.com/A/", "//npm.example.com/A/"),
    ],
)
def test_the_name_is_the_registrys_address(host: str, name: str) -> None:
    try:
        found = set(provide(host=host).variables)
    except UncarriedError:
        # npm itself has no such address.
        assert host.endswith("//")
        return
    assert found == {f"npm_config_{name}:_authToken", f"pnpm_config_{name}:_authToken"}


@pytest.mark.parametrize(
    "host",
    [
        "",
        "ftp://npm.example.com/",
        "https://ada:x@npm.example.com/",
        "x.example?a",
        "a b",
        "https:///x",
        "x\ny/",
    ],
)
def test_what_is_no_registry_is_refused(host: str) -> None:
    with pytest.raises(UncarriedError, match="host"):
        provide(host=host)


@given(st.text())
def test_no_address_names_another_variable(host: str) -> None:
    try:
        found = provide(host=host).variables
    except UncarriedError:
        return
    assert all("=" not in name and name.isprintable() and name.endswith("/:_authToken") for name in found)


@given(st.text(min_size=1))
def test_pnpm_has_the_token_in_one_line_of_its_file_or_refuses(token: str) -> None:
    try:
        parts = provide("pnpm", token=token)
    except UncarriedError:
        return
    (file,) = parts.files
    lines = file.text.reveal().split("\n")
    assert lines[0].startswith("//registry.npmjs.org/:_authToken=")
    assert lines[1:] == [""]
    assert file.path_variable == "NPM_CONFIG_GLOBALCONFIG"


def test_npm_needs_no_file() -> None:
    assert provide().files == ()


def test_an_organization_says_where_its_packages_are() -> None:
    parts = provide(organization="@acme", host="npm.example.com")
    assert parts.variables["npm_config_@acme:registry"].reveal() == "https://npm.example.com/"


@pytest.mark.parametrize("organization", ["my_org", "Acme", "a/b", "a=b", "@@x"])
def test_an_organization_that_no_variable_can_name(organization: str) -> None:
    with pytest.raises(UncarriedError, match="organization"):
        provide(organization=organization)
