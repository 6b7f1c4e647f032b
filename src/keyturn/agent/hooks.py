"""Where the catalogue's plugin files meet the code that some of them name."""

from __future__ import annotations

from collections.abc import Mapping

from keyturn.aws import hook as aws_hook
from keyturn.aws import importer as aws_importer
from keyturn.aws import plaintext as aws_plaintext
from keyturn.aws.config import ConfigurationCache
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.sdk import importers, provisioners
from keyturn.sdk.importers import FilePlace, Findings
from keyturn.sdk.run import Provision
from keyturn.sdk.schema import Plugin


class Hooks:
    """The provisioning function of each plugin, made once."""

    def __init__(self) -> None:
        self._configuration = ConfigurationCache()
        self._made: dict[str, Provision] = {}

    def provision(self, plugin: Plugin) -> Provision:
        """What decides for a command of this plugin. Raises ConfigurationError for an unknown hook."""
        found = self._made.get(plugin.name)
        if found is None:
            found = self._made[plugin.name] = self._make(plugin)
        return found

    def _make(self, plugin: Plugin) -> Provision:
        hook = plugin.provision.hook
        if not hook:
            return provisioners.provision_environment(plugin)
        if hook == "aws":
            return aws_hook.provision(plugin, self._configuration)
        raise ConfigurationError(f"plugin {plugin.name} names an unknown hook: {hook}")


def find_candidates(plugin: Plugin, environment: Mapping[str, str], directory: str) -> Findings:
    """The credentials of a plugin that lie in plaintext on this machine: environment first, then files."""
    found = importers.from_environment(plugin, environment)
    if plugin.provision.hook == "aws":
        found = found + aws_importer.from_files(plugin, environment, directory)
    return found


def remove_plaintext(plugin: Plugin, place: FilePlace, expected: Mapping[str, Secret], uid: int) -> None:
    """Take an imported credential out of its file; ConfigurationError, the file unchanged, if it cannot."""
    if plugin.provision.hook != "aws":
        raise ConfigurationError(f"removing plaintext is not built for plugin {plugin.name} yet")
    aws_plaintext.remove_keys(place, expected, uid)
