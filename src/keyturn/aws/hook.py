"""The hook that a plugin file names as `hook = "aws"`: from an invocation to what the command gets."""

from __future__ import annotations

from collections.abc import Mapping

from keyturn.aws import environment, profiles
from keyturn.aws.config import ConfigurationCache
from keyturn.aws.plan import plan
from keyturn.ground.errors import ConfigurationError
from keyturn.items import Item
from keyturn.sdk.run import Invocation, NeedItem, Provision, Provisioned, Selection
from keyturn.sdk.schema import Plugin


def provision(plugin: Plugin, cache: ConfigurationCache) -> Provision:
    """The provisioning function of `plugin`, on configuration files kept in `cache`.

    `Selection.bound` is keyed by profile. The function reads files and so may block. It raises what
    `profiles.choose`, `ConfigurationCache.load`, `plan` and `environment` raise; no error holds a key.
    """

    def provision_aws(
        invocation: Invocation, selection: Selection, opened: Mapping[str, Item]
    ) -> NeedItem | Provisioned:
        executable = plugin.executable(invocation.executable)
        if executable is None:
            raise ConfigurationError(f"plugin {plugin.name} does not wrap {invocation.executable}")
        choice = profiles.choose(invocation, executable)
        configuration = cache.load(_variables(invocation), invocation.directory)
        planned = plan(choice.profile, configuration, selection, opened, invocation.executable)
        if isinstance(planned, NeedItem):
            return planned
        treatment = "hidden" if executable.profile is None else executable.profile.in_child
        in_child, why_profile = environment.child_profile(
            choice.profile.value, treatment, configuration.profiles
        )
        region, why_region = environment.region(planned, invocation)
        return Provisioned(
            arguments=choice.arguments,
            assign={**environment.credentials(planned.keys), **region, **in_child},
            remove=environment.REMOVED,
            notes=planned.notes,
            reasons=tuple(
                reason for reason in (*choice.reasons, *planned.reasons, why_region, why_profile) if reason
            ),
        )

    return provision_aws


def _variables(invocation: Invocation) -> dict[str, str]:
    """The invocation's environment as text; undecodable bytes become surrogates."""
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in invocation.environment.items()
    }
