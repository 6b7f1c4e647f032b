"""The locks belong to what is asked for, and name no place where packages come from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME: list[str] = PROJECT["project"]["dependencies"]
DEV: list[str] = PROJECT["dependency-groups"]["dev"]


def asked_in(name: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "locks" / name).read_text().splitlines())
    return [line for line in lines if line]


ASKED = {
    "runtime": RUNTIME,
    "dev": RUNTIME + DEV + PROJECT["build-system"]["requires"],
    "aws": asked_in("aws.in"),
    "moto": asked_in("moto.in"),
    "fuzz": RUNTIME + asked_in("fuzz.in"),
    **{name: asked_in(f"{name}.in") for name in ("sam", "awslogs", "cdk", "go", "clis")},
}


def locked(name: str) -> dict[str, list[str]]:
    text = (ROOT / f"locks/{name}.txt").read_text()
    versions: dict[str, list[str]] = {}
    for package, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE):
        versions.setdefault(canonicalize_name(package), []).append(version)
    return versions


def test_every_lock_is_checked() -> None:
    assert {file.stem for file in (ROOT / "locks").glob("*.txt")} == set(ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_a_lock_holds_what_is_asked_for(name: str) -> None:
    versions = locked(name)
    assert ASKED[name]
    for requirement in map(Requirement, ASKED[name]):
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} is not locked: make lock"
        for version in found:
            assert version in requirement.specifier, f"{requirement} is locked as {version}: make lock"


@pytest.mark.parametrize("name", ASKED)
def test_a_lock_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / f"locks/{name}.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_what_product_and_developers_share_has_one_version() -> None:
    runtime = locked("runtime")
    for other in map(locked, ("dev", "fuzz")):
        assert {name: other.get(name) for name in runtime} == runtime
