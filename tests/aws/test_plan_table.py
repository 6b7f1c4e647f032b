"""Whose keys and which calls: every row of the tables, and every combination of what they depend on."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path
from typing import Any

import pytest

from keyturn.aws import process_source
from keyturn.ground.errors import ConfigurationError, KeyturnError, NoDefaultError, NotYetError
from keyturn.items import Item
from tests.aws.world import A, B, Caller, expanded, item, role_arn, shown

HERE = Path(__file__).parent
ROWS: dict[str, Any] = {
    name: row
    for file in ("base_table.toml", "base_table_others.toml")
    for name, row in tomllib.loads((HERE / file).read_text()).items()
}
COMBINATIONS: dict[str, Any] = tomllib.loads((HERE / "combination_table.toml").read_text())
ERRORS = {
    "not yet": (NotYetError, "Keyturn does not do that yet, and uses no other keys instead"),
    "contradiction": (ConfigurationError, " has "),
    "empty token": (ConfigurationError, "profile “p”: web_identity_token_file is empty"),
    "unknown source": (ConfigurationError, "profile “p”: credential_source is “environment”"),
    "no environment": (ConfigurationError, "takes its keys from the environment, and they are not there"),
    "no container": (ConfigurationError, "takes its keys from EcsContainer, and nothing says where they are"),
    "no address": (ConfigurationError, "is no address that they come from"),
    "switched off": (ConfigurationError, "and AWS_EC2_METADATA_DISABLED is set"),
    "lacks": (ConfigurationError, " lacks "),
    "no session": (ConfigurationError, "names the sso_session “s”, and there is no such section"),
    "no command line": (ConfigurationError, "profile “p”: its credential_process is no command line"),
    "itself": (ConfigurationError, "asks Keyturn for what it should itself bring"),
    "circle": (ConfigurationError, "the profiles ask Keyturn in a circle: “p” → “s” → “p”"),
    "cycle": (ConfigurationError, "the source profiles form a cycle: “p” → “s” → “p”"),
    "asks for nobody": (ConfigurationError, "asks Keyturn for profile “nobody”, and that does not exist"),
    "names no profile": (ConfigurationError, "profile “p” asks Keyturn and names no profile"),
    "unknown": (ConfigurationError, "is not in the AWS files"),
    "no source": (ConfigurationError, "as its source_profile, and that does not exist"),
    "no default": (NoDefaultError, "no item is chosen for aws"),
    "two devices": (
        ConfigurationError,
        f"two MFA devices in one chain of profiles: “{A}” of profile “p”, “{B}”",
    ),
}


def expect(found: Caller, line: str, expected: str) -> None:
    """That the plan, or the error, is the one expected."""
    if expected not in ERRORS:
        assert shown(found.plan(line)) == expected
        return
    kind, message = ERRORS[expected]
    with pytest.raises(KeyturnError) as caught:
        found.plan(line)
    assert type(caught.value) is kind
    assert message in caught.value.message


@pytest.mark.parametrize("name", ROWS)
def test_the_rows(name: str, home: Path) -> None:
    row = ROWS[name]
    profile = row.get("profile", "p")
    found = Caller(home, item("selected") if "selected" in row["items"] else None)
    if "bound" in row["items"]:
        found.bound[row.get("bound", profile)] = item("bound")
    mark = process_source.mark("p", ("x", "y"))
    for variable, value in row.get("environment", {}).items():
        found.environment[variable] = value.replace("@mark", mark)
    found.write(expanded(row.get("config", "")), expanded(row.get("credentials", "")))
    expect(found, "s3 ls" if profile == "default" else f"--profile {profile} s3 ls", row["expect"])


def test_every_row_is_there() -> None:
    assert {name[0] for name in ROWS if name[0].isdigit()} == set("123456789")
    assert len(ROWS) > 80


SHAPES = {
    "none": "[profile p]\n",
    "alone": "[profile p]\n@p\n",
    "self": "[profile p]\n@p\nsource_profile = p\n",
    "source1": "[profile p]\n@p\nsource_profile = s\n[profile s]\n",
    "source2": "[profile p]\n@p\nsource_profile = q\n[profile q]\n@q\nsource_profile = s\n[profile s]\n",
    "source3": "[profile p]\n@p\nsource_profile = q\n[profile q]\n@q\nsource_profile = r\n"
    "[profile r]\n@r\nsource_profile = s\n[profile s]\n",
    "alone2": "[profile p]\n@p\nsource_profile = q\n[profile q]\n@q\n",
    "alone3": "[profile p]\n@p\nsource_profile = q\n[profile q]\n@q\nsource_profile = r\n[profile r]\n@r\n",
}
KEYS_OF = {"none": "p", "alone": "p", "self": "p", "alone2": "q", "alone3": "r"}
SERIALS = ("nowhere", "item", "config", "equal", "different")
DURATIONS = {"15min": "900", "1h": "3600", "12h": "43200"}
ITEMS = ("bound", "selected", "no")
PLAINTEXTS = ("none", "same", "different")

CASES = [
    case
    for case in itertools.product(SHAPES, ITEMS, PLAINTEXTS)
    if not (case[1] == "no" and case[2] == "same")
]


def caller(shape: str, which: str, plaintext: str, serial: str, duration: str, home: Path) -> Caller:
    """A caller with the files and the item of one combination."""
    chosen: Item | None = None
    if which != "no":
        own = {"item": A, "equal": A, "different": B}.get(serial, "")
        chosen = item(which, mfa_serial=own, one_time_password="JBSWY3DPEHPK3PXP")
    holder = KEYS_OF.get(shape, "s")
    found = Caller(home, chosen if which == "selected" else None)
    if which == "bound" and chosen is not None:
        found.bound[holder] = chosen
    config = SHAPES[shape].replace("@", f"duration_seconds = {DURATIONS[duration]}\nrole_arn = @")
    if serial in ("config", "equal", "different"):
        config = config.replace("[profile p]\n", f"[profile p]\nmfa_serial = {A}\n")
    keys = {"same": f"@{which.upper()}", "different": "@OWN", "none": ""}[plaintext]
    found.write(expanded(config), expanded(f"[{holder}]\n{keys}\n"))
    return found


def calls(table: dict[str, Any], roles: list[str], duration: str, device: str | None) -> str:
    """The table's calls with the names of the roles in the place of their numbers."""
    written = table[f"{len(roles)} roles"][duration]
    if device is not None:
        written = written["with" if device else "without"].replace("MFA", device)
    parts = written.split("; ") if written else []
    return "; ".join(f"{roles[int(part[0]) - 1]}{part[1:]}" if part[0].isdigit() else part for part in parts)


@pytest.mark.parametrize(("shape", "which", "plaintext"), CASES)
def test_the_combinations(shape: str, which: str, plaintext: str, home: Path) -> None:
    written = COMBINATIONS["base"][shape][which][plaintext]
    whose, _, names = written.partition(":")
    kind = "plaintext" if whose == "own" else "item"
    for serial, duration in itertools.product(SERIALS, DURATIONS):
        found = caller(shape, which, plaintext, serial, duration, home)
        device = COMBINATIONS["device"][kind][serial]
        made = calls(COMBINATIONS["calls"], names.split(), duration, device)
        expected = whose if whose in ERRORS else ": ".join(filter(None, (whose, made)))
        expect(found, "--profile p s3 ls", expected)


def test_every_combination_is_there() -> None:
    assert len(CASES) * len(SERIALS) * len(DURATIONS) == 8 * 8 * 15
    assert set(COMBINATIONS["base"]) == set(SHAPES)


@pytest.mark.parametrize("shape", [each for each in SHAPES if each != "alone"])
def test_temporary_plaintext_never_gets_another_token(shape: str, home: Path) -> None:
    names = COMBINATIONS["base"][shape]["no"]["different"].partition(":")[2].split()
    for serial, duration in itertools.product(SERIALS, DURATIONS):
        found = caller(shape, "no", "different", serial, duration, home)
        credentials = (home / ".aws/credentials").read_text()
        found.write(None, credentials + "aws_session_token = token\n")
        made = calls(COMBINATIONS["temporary"], names, duration, None)
        expect(found, "--profile p s3 ls", ": ".join(filter(None, ("own", made))))


def test_a_role_s_arn_is_the_profile_s(home: Path) -> None:
    """What `shown` asserts for each call would be nothing if the table had no role."""
    found = Caller(home, item("selected"))
    found.write(f"[profile p]\nrole_arn = {role_arn('other')}\n")
    with pytest.raises(AssertionError):
        shown(found.plan("--profile p s3 ls"))
