"""GitHub's variables by host (stories 39 and 85)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.catalogue.hooks import github
from keyturn.ground.errors import UncarriedError
from keyturn.ground.secret import Secret
from keyturn.sdk.parts import Parts
from keyturn.sdk.run import Invocation

CALL = Invocation("gh", b"/bin/gh", (), {}, "/")
CLOUD = {"GH_TOKEN", "GITHUB_TOKEN"}
SERVER = {"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"}


def provide(host: str | None) -> Parts:
    values = {"token": Secret("t")} | ({} if host is None else {"host": Secret(host)})
    return github.provide(values, CALL)


@pytest.mark.parametrize("host", [None, "github.com", " GitHub.com ", "https://github.com/"])
def test_the_cloud_needs_no_host(host: str | None) -> None:
    parts = provide(host)
    assert set(parts.variables) == CLOUD
    assert parts.remove == ("GH_HOST",)


@pytest.mark.parametrize(
    ("host", "names", "told"),
    [
        ("acme.ghe.com", CLOUD, "acme.ghe.com"),
        ("https://Git.Example.com:8443/", SERVER, "git.example.com:8443"),
        ("ghe.com.example.com", SERVER, "ghe.com.example.com"),
        ("notghe.com", SERVER, "notghe.com"),
        ("github.com.example.com", SERVER, "github.com.example.com"),
    ],
)
def test_another_host_gets_its_own_variables(host: str, names: set[str], told: str) -> None:
    parts = provide(host)
    assert set(parts.variables) == {*names, "GH_HOST"}
    assert parts.variables["GH_HOST"].reveal() == told
    assert parts.remove == ()


@given(st.text())
def test_what_is_told_is_a_host(host: str) -> None:
    try:
        parts = provide(host)
    except UncarriedError:
        return
    told = parts.variables.get("GH_HOST")
    assert told is None or (told.reveal().isascii() and not set(told.reveal()) & set(" /@?#\n"))


@pytest.mark.parametrize(
    "host", ["", "git example", "git@example.com", "example.com/path", "-x", "ü.example"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(UncarriedError, match="host") as caught:
        provide(host)
    assert not host or host not in caught.value.message
