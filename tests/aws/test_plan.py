"""What a plan asks for, refuses and says; whose keys it has is in test_plan_table.py."""

from __future__ import annotations

import builtins
import io
import os
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from keyturn.aws.plan import Plan, plan
from keyturn.ground.errors import ConfigurationError, MissingError
from keyturn.items import Item
from tests.aws.world import OWN, SELECTED, A, Caller, expanded, item, of_sts, role_arn


def test_only_the_item_that_is_needed_is_asked_for(home: Path) -> None:
    found = Caller(home, item("selected"), {"p": item("bound"), "q": item("other")})
    found.write(expanded("[profile r]\nrole_arn = @r\nsource_profile = q\n"))
    for line, asked in (("--profile p", "bound"), ("", "selected"), ("--profile r", "other")):
        found.asked.clear()
        found.run(f"{line} s3 ls")
        assert found.asked == [asked]


ROLE = "[profile p]\nrole_arn = @p\nsource_profile = s\n"


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ("[profile p]\nrole_arn = @p\ncredential_source = Environment\n", ConfigurationError),
        (f"{ROLE}[profile s]\nduration_seconds = 1\nrole_arn = @s\n", ConfigurationError),
        (f"{ROLE}mfa_serial = @A\n[profile s]\nmfa_serial = @B\n", ConfigurationError),
        (ROLE, ConfigurationError),
    ],
)
def test_what_no_item_mends_asks_for_none(config: str, kind: type[Exception], home: Path) -> None:
    found = Caller(home, item("selected"), {"p": item("bound")})
    found.write(expanded(config))
    with pytest.raises(kind):
        found.plan("--profile p s3 ls")
    assert found.asked == []


def role(name: str, source: str) -> str:
    return f"[profile {name}]\nrole_arn = {role_arn(name)}\nsource_profile = {source}\n"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (role("p", "q"), "profile “p” names “q” as its source_profile, and that"),
        (
            role("p", "q") + "credential_source=Environment\n",
            "profile “p” has both source_profile and credential_source",
        ),
        (role("q", "q") + role("p", "q"), "the source profiles form a cycle: “q” → “q”"),
        (role("p", "q") + role("q", "p"), "the source profiles form a cycle: “p” → “q” → “p”"),
    ],
)
def test_chains_that_contradict_themselves(config: str, message: str, home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(config)
    with pytest.raises(ConfigurationError) as caught:
        found.plan("--profile p s3 ls")
    assert caught.value.message.startswith(message)


def test_a_chain_has_an_end(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write("".join(role(f"p{number}", f"p{number + 1}") for number in range(100)))
    with pytest.raises(ConfigurationError, match="more than 32 source profiles"):
        found.plan("--profile p0 s3 ls")


def test_a_long_chain_is_fine(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write("".join(role(f"p{number}", f"p{number + 1}") for number in range(32)) + "[profile p32]\n")
    calls = of_sts(found.plan("--profile p0 s3 ls"))
    assert len(calls) == 32
    assert [call.duration for call in calls] == [3600] * 32


def test_an_unknown_profile_is_told_the_nearest_names(home: Path) -> None:
    found = Caller(home, item("selected"), {"production": item("bound")})
    found.write("[profile development]\n[profile x]\n")
    with pytest.raises(ConfigurationError) as caught:
        found.plan("--profile devlopment s3 ls")
    assert caught.value.message == "profile “devlopment” is not in the AWS files, and no item is bound to it"
    assert caught.value.hints == ("did you mean “development”?",)
    with pytest.raises(ConfigurationError) as caught:
        found.plan("--profile prodution s3 ls")
    assert "“production”" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("chosen", "missing"),
    [
        (item("x", access_key_id=""), "access key id"),
        (item("x", secret_access_key=""), "secret access key"),
    ],
)
@pytest.mark.parametrize("line", ["s3 ls", "--profile p s3 ls"])
def test_an_item_without_a_key_names_the_field(chosen: Item, missing: str, line: str, home: Path) -> None:
    found = Caller(home, chosen)
    found.write(expanded("[profile p]\nrole_arn = @p\n"))
    with pytest.raises(MissingError, match=missing):
        found.plan(line)


def test_temporary_plaintext_is_used_as_it_is(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write("[profile p]\nmfa_serial = arn:aws:x\n", f"[p]\n{OWN}aws_session_token = token\n")
    done = found.run("--profile p s3 ls")
    assert done.assign["AWS_SESSION_TOKEN"] == b"token"
    assert done.notes == (f"profile “p” uses plaintext keys from {home}/.aws/credentials (temporary ones)",)
    assert "no multi-factor code: the keys are temporary" in done.reasons
    assert found.asked == []


def test_plaintext_is_named_with_the_way_to_import_it(home: Path) -> None:
    file = home / ".aws/credentials"
    found = Caller(home, item("selected"), environment={"AWS_PROFILE": "my profile"})
    found.write(expanded(role("r", "my profile")), f"[my profile]\n{OWN}[same]\n{SELECTED}")
    (note,) = found.plan().notes
    assert note.startswith(f"profile “my profile” uses plaintext keys from {file}; ")
    command = "keyturn plugin init aws --import-profile 'my profile' --profile 'my profile'"
    assert note.endswith(f"to import and bind them: {command}")
    # One line also where they are the keys of a source.
    assert found.plan("--profile r s3 ls").notes == (note,)
    assert found.plan("--profile same s3 ls").notes == ()


def test_reasons_tell_the_whole_plan(home: Path) -> None:
    found = Caller(home, item("selected", one_time_password="JBSW", default_region="eu-west-1"))
    found.write(
        f"{role('p', 'q')}duration_seconds = 7200\nmfa_serial = {A}\nregion = us-west-2\n"
        f"{role('q', 's')}[profile s]\n"
    )
    planned = found.plan("--profile p s3 ls")
    assert planned.reasons == (
        "profile “p” (--profile): its role, over “q” → “s”, with item “selected”, the global default",
        f"mfa serial {A} of profile “p”; its code: the “one-time password” of item “selected”",
    )
    source = "“default region” of item “selected”"
    assert planned.steps == (
        f"GetSessionToken with a code, for 12 h; STS of eu-west-1: {source}",
        f"AssumeRole {role_arn('q')} (profile “q”), for 1 h; STS of eu-west-1: {source}",
        (
            f"AssumeRole {role_arn('p')} (profile “p”), for 1 h; STS of us-west-2: region of profile “p”;"
            " 2 h are asked for, and over temporary keys it is one hour at most"
        ),
    )
    assert planned.source == "item “selected”"


def forbidden(name: str) -> Callable[..., None]:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError(f"a plan called {name}")

    return refuse


DOORS = [
    (socket, "socket"),
    (socket, "getaddrinfo"),
    (builtins, "open"),
    (io, "open"),
    *((os, name) for name in ("open", "stat", "lstat", "read", "listdir", "scandir", "getcwd", "getpid")),
    (subprocess, "Popen"),
    *((time, name) for name in ("time", "monotonic", "sleep", "clock_gettime")),
]


@pytest.mark.parametrize(
    "line", ["s3 ls", "--profile p s3 ls", "--profile own s3 ls", "--profile nobody s3 ls"]
)
def test_a_plan_touches_nothing(line: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither file nor network nor clock, also where it ends in an error."""
    chosen = item("selected", mfa_serial=A, one_time_password="JBSW")
    found = Caller(home, chosen, environment={"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"})
    found.write(role("p", "s") + "[profile s]\n", f"[own]\n{OWN}")
    question = found.question(line)({chosen.id: chosen})
    with monkeypatch.context() as closed:
        for module, name in DOORS:
            closed.setattr(module, name, forbidden(name))
        try:
            result: object = plan(question)
        except ConfigurationError as error:
            result = error
    assert isinstance(result, ConfigurationError if "nobody" in line else Plan)


def test_the_doors_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above sees what it is there for."""
    looks: tuple[Callable[[], object], ...] = (
        Path("/").stat,
        Path("/etc/passwd").read_text,
        lambda: os.listdir("/"),
        lambda: socket.socket(),
        lambda: time.monotonic(),
    )
    for look in looks:
        with monkeypatch.context() as closed:
            for module, name in DOORS:
                closed.setattr(module, name, forbidden(name))
            try:
                look()
                seen = False
            except AssertionError:
                seen = True
        assert seen, look


def test_a_large_configuration_costs_nothing(home: Path) -> None:
    """500 profiles with keys, a chain of three roles with MFA: far under 0.3 ms, measured against itself."""
    chosen = item("selected", mfa_serial=A, one_time_password="JBSW")
    found = Caller(home, chosen)
    crowd = "".join(f"[profile n{number}]\nregion = eu-west-1\n" for number in range(500))
    keys = "".join(f"[n{number}]\n{OWN.replace('OWN', str(number))}" for number in range(500))
    small, large = role("p", "q") + role("q", "r") + role("r", "s") + "[profile s]\n", ""
    costs = {}
    for name, config, credentials in (("small", small, large), ("large", small + crowd, keys)):
        found.write(config, credentials)
        question = found.question("--profile p s3 ls")({chosen.id: chosen})
        assert isinstance(plan(question), Plan)
        costs[name] = min(_once(partial(plan, question)) for _ in range(200))
    print({name: f"{seconds * 1e6:.0f} µs" for name, seconds in costs.items()})
    assert costs["large"] < 0.0003


def _once(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
