"""Where the catalogue's plugin files meet the code that some of them name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from keyturn.aws import hook as aws_hook
from keyturn.aws import importer as aws_importer
from keyturn.aws import mfa as aws_mfa
from keyturn.aws import plaintext as aws_plaintext
from keyturn.aws.config import ConfigurationCache
from keyturn.aws.executor import Executor
from keyturn.aws.ledger import Ledger
from keyturn.aws.sso_access import SsoAccess, Stores
from keyturn.catalogue import importing, loader
from keyturn.catalogue.hooks import HOOKS
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.ground.world import World
from keyturn.items import Item, ItemReference
from keyturn.sdk import provisioners
from keyturn.sdk.codes import TypedCodes
from keyturn.sdk.importers import FilePlace, Findings
from keyturn.sdk.merging import Other, provision_together
from keyturn.sdk.printed import Outputs
from keyturn.sdk.run import Provision
from keyturn.sdk.schema import Plugin


class Hooks:
    """The provisioning function of each plugin, made once; with what the AWS ones share."""

    def __init__(
        self,
        world: World,
        typed: TypedCodes,
        settings: Callable[[], Settings],
        sign_ins: Stores,
        outputs: Outputs,
    ) -> None:
        """Codes that a person types are taken from `typed`, and what programs of callers print from
        `outputs`; `settings` gives what holds now; `sign_ins` are where those of single sign-on are kept."""
        self.sso = SsoAccess(world.clock, sign_ins)
        self.configuration = ConfigurationCache()
        ledger = Ledger(world.directories.one_time_codes)
        self.executor = Executor(world.clock, typed, ledger, outputs=outputs, sso=self.sso)
        self._settings = settings
        self._clock = world.clock
        self._made: dict[str, tuple[Plugin, Provision]] = {}

    def provision(self, plugin: Plugin) -> Provision:
        """What decides for a command of this plugin. Raises ConfigurationError for an unknown hook."""
        found = self._made.get(plugin.name)
        # A person's own plugin may be another one by now.
        if found is None or found[0] is not plugin:
            found = self._made[plugin.name] = (plugin, self._make(plugin))
        return found[1]

    def provision_all(self, plugin: Plugin, others: Mapping[str, Resolution[ItemReference]]) -> Provision:
        """What decides for a command that takes the credentials of the plugins in `others` besides."""
        own = self.provision(plugin)
        if not others:
            return own
        found = {name: Other(self.provision(loader.load(name)), chosen) for name, chosen in others.items()}
        return provision_together(plugin.owner, own, found)

    def _make(self, plugin: Plugin) -> Provision:
        if plugin.provision.hook == "aws":
            return aws_hook.provision(
                plugin, self.configuration, self.executor, lambda: self._settings().aws, self._clock.now
            )
        return provisioners.provision_by_tables(plugin, HOOKS)

    def diagnose(self, plugin: Plugin, item: Item) -> list[str]:
        """What is amiss with an item of the plugin, a line each with what mends it."""
        if plugin.provision.hook != "aws":
            return []
        return [finding.line for finding in aws_mfa.diagnose(item)]


def find_candidates(plugin: Plugin, environment: Mapping[str, str], directory: str) -> Findings:
    """The credentials of a plugin that lie in plaintext on this machine: environment first, then files."""
    return importing.find(plugin, environment) + aws_importer.from_files(plugin, environment, directory)


def remove_plaintext(
    plugin: Plugin, place: FilePlace, expected: Mapping[str, Secret], uid: int, keep: aws_plaintext.Keep
) -> None:
    """Take an imported credential out of its file, of which `keep` is given a copy first.

    Raises ConfigurationError, the file unchanged, if it cannot.
    """
    is_aws = plugin.provision.hook == "aws"
    remove = aws_plaintext.remove_keys if is_aws else partial(importing.remove, plugin)
    remove(place, expected, uid, keep)
