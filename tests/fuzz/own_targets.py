"""What a person writes by hand for the catalogue: rules of their own, and a plugin's cases."""

import tempfile
import tomllib
from pathlib import Path

import msgspec

from keyturn.catalogue import case_runner, own_rules
from keyturn.catalogue.cases import parse_cases
from keyturn.ground.errors import ConfigurationError
from keyturn.sdk import complaints
from keyturn.sdk.argv import Options
from keyturn.sdk.rules import Rule
from keyturn.sdk.schema import Executable, parse

_place = Path(tempfile.mkdtemp(prefix="kt-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
_EXECUTABLE = Executable("x", "x", Rule(no_arguments=True), options=Options())


def rules(content: bytes) -> bool:
    """They say what the file says, and every rule can be asked."""
    path = _place / "rules.toml"
    path.write_bytes(content)
    try:
        found, said = own_rules.load(path), ""
    except ConfigurationError as error:
        found, said = {}, error.message
    assert not said or said.startswith(str(path))
    if said:
        return False
    tables = tomllib.loads(content.decode())
    assert {command: msgspec.to_builtins(each) for command, each in found.items()} == {
        command: {"always": tuple(each.get("always", ())), "never": tuple(each.get("never", ()))}
        for command, each in tables.items()
    }
    for each in found.values():
        each.applied(_EXECUTABLE).needs_authentication([b"s3", b"--dry-run"])
    for command in tables:
        complaints.line_of(content.decode(), command)
    return True


_PLUGIN = parse(
    b"""
name = "x"
platform = "X"
credential = { name = "x", title = "X", field = [{ label = "token", secret = true }, { label = "host" }] }
provision = { environment = { X = "token" } }
executable = [{ runs = "x", name = "X", needs_auth = { not = { option = "--help" } } }]
[[import]]
files = ["~/.x", "/etc/x"]
format = "json"
fields = { token = "token", host = "host" }
""",
    "x.toml",
)


def cases(content: bytes) -> bool:
    """Whatever they say, they are run to the end, and nothing is written but where it may be."""
    said = "x.toml: "
    try:
        failures = case_runner.run_cases(_PLUGIN, parse_cases(content, "x.toml"))
        taken = all(str(failure) for failure in failures)
    except ConfigurationError as error:
        taken, said = False, error.message
    assert said.startswith("x.toml: ")
    return taken


OWN = {"rules": rules, "cases": cases}
