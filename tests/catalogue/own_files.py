"""A person's own plugins, for tests."""

from __future__ import annotations

from pathlib import Path

PLUGIN = """
name = "{name}"
platform = "Mine"
{more}

[credential]
name = "token"
title = "Token"

[[credential.field]]
label = "token"
secret = true

[provision.environment]
MY_TOKEN = "token"

[[executable]]
runs = "{runs}"
name = "My tool"
needs_auth = {{ not = {{ option = "--version" }} }}
"""


def plugin_text(name: str = "mine", runs: str = "mytool", more: str = "") -> str:
    return PLUGIN.format(name=name, runs=runs, more=more)


class OwnFiles:
    """The configuration directory at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plugins = path / "plugins"

    def write(self, name: str = "mine", runs: str = "mytool", more: str = "", text: str = "") -> Path:
        """Write a plugin's file: a sound one, or `text`."""
        self.plugins.mkdir(mode=0o700, exist_ok=True)
        path = self.plugins / f"{name}.toml"
        path.write_text(text or plugin_text(name, runs, more))
        path.chmod(0o600)
        return path

    def rules(self, text: str) -> Path:
        path = self.path / "rules.toml"
        path.write_text(text)
        return path
