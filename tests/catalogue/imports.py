"""A plugin of a few lines with the imports that a test gives it, and a home with the files."""

from collections.abc import Mapping
from pathlib import Path

from keyturn.catalogue import importing
from keyturn.sdk import schema
from keyturn.sdk.importers import Findings
from keyturn.sdk.schema import Plugin

HEAD = """
name = "x"
platform = "X"
[credential]
name = "token"
title = "Token"
[[credential.field]]
label = "token"
secret = true
temporary_prefixes = ["tmp_"]
[[credential.field]]
label = "host"
optional = true
[[credential.field]]
label = "user"
optional = true
[provision.environment]
X_TOKEN = "token"
[[executable]]
runs = "x"
name = "X"
needs_auth = { not = { no_arguments = true } }
"""


def plugin(*imports: str, head: str = HEAD) -> Plugin:
    return schema.parse((head + "".join(f"[[import]]\n{each}\n" for each in imports)).encode(), "x.toml")


def find(home: Path, files: Mapping[str, str], *imports: str, head: str = HEAD, **variables: str) -> Findings:
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return importing.find(plugin(*imports, head=head), {"HOME": str(home), **variables}, "linux")


def offered(found: Findings) -> list[dict[str, str]]:
    return [{label: value.reveal() for label, value in each.fields.items()} for each in found.candidates]


def hints(found: Findings) -> list[str]:
    return [each.name_hint for each in found.candidates]


def reasons(found: Findings) -> list[str]:
    return [each.reason for each in found.rejected]


JSON = 'files = ["~/f"]\nformat = "json"\n'
