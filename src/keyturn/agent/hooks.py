"""Where the catalogue's plugin files meet the code that some of them name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from keyturn.aws import hook as aws_hook
from keyturn.aws import importer as aws_importer
from keyturn.aws import mfa as aws_mfa
from keyturn.aws import plaintext as aws_plaintext
from keyturn.aws.config import ConfigurationCache
from keyturn.aws.executor import Executor
from keyturn.aws.ledger import Ledger
from keyturn.catalogue import loader
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.ground.world import World
from keyturn.items import Item, ItemReference
from keyturn.sdk import importers, provisioners
from keyturn.sdk.codes import TypedCodes
from keyturn.sdk.importers import FilePlace, Findings
from keyturn.sdk.merging import Other, provision_together
from keyturn.sdk.run import Provision
from keyturn.sdk.schema import Plugin


class Hooks:
    """The provisioning function of each plugin, made once; with what the AWS ones share."""

    def __init__(self, world: World, typed: TypedCodes, settings: Callable[[], Settings]) -> None:
        """Codes that a person types are taken from `typed`; `settings` gives what holds now."""
        self.configuration = ConfigurationCache()
        self.executor = Executor(world.clock, typed, Ledger(world.directories.one_time_codes))
        self._settings = settings
        self._made: dict[str, Provision] = {}

    def provision(self, plugin: Plugin) -> Provision:
        """What decides for a command of this plugin. Raises ConfigurationError for an unknown hook."""
        found = self._made.get(plugin.name)
        if found is None:
            found = self._made[plugin.name] = self._make(plugin)
        return found

    def provision_all(self, plugin: Plugin, others: Mapping[str, Resolution[ItemReference]]) -> Provision:
        """What decides for a command that takes the credentials of the plugins in `others` besides."""
        own = self.provision(plugin)
        if not others:
            return own
        found = {name: Other(self.provision(loader.load(name)), chosen) for name, chosen in others.items()}
        return provision_together(plugin.owner, own, found)

    def _make(self, plugin: Plugin) -> Provision:
        if plugin.provision.hook == "aws":
            return aws_hook.provision(plugin, self.configuration, self.executor, lambda: self._settings().aws)
        return provisioners.provision_by_tables(plugin)

    def diagnose(self, plugin: Plugin, item: Item) -> list[str]:
        """What is amiss with an item of the plugin, a line each with what mends it."""
        if plugin.provision.hook != "aws":
            return []
        return [finding.line for finding in aws_mfa.diagnose(item)]


def find_candidates(plugin: Plugin, environment: Mapping[str, str], directory: str) -> Findings:
    """The credentials of a plugin that lie in plaintext on this machine: environment first, then files."""
    found = importers.from_environment(plugin, environment)
    if plugin.provision.hook == "aws":
        found = found + aws_importer.from_files(plugin, environment, directory)
    return found


def remove_plaintext(
    plugin: Plugin, place: FilePlace, expected: Mapping[str, Secret], uid: int, keep: aws_plaintext.Keep
) -> None:
    """Take an imported credential out of its file, of which `keep` is given a copy first.

    Raises ConfigurationError, the file unchanged, if it cannot.
    """
    if plugin.provision.hook != "aws":
        raise ConfigurationError(f"removing plaintext is not built for plugin {plugin.name} yet")
    aws_plaintext.remove_keys(place, expected, uid, keep)
