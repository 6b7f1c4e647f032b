"""The hook that a plugin file names as `hook = "aws"`: from an invocation to what the command gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from keyturn.aws import delegation, endpoints, environment, profiles, sso_config
from keyturn.aws.calls import Keys
from keyturn.aws.config import ConfigurationCache
from keyturn.aws.executor import Executor
from keyturn.aws.origins import SsoRole
from keyturn.aws.plan import Question, plan
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.settings import Aws
from keyturn.items import Item
from keyturn.sdk.run import Invocation, NeedItem, NeedWork, Provision, Provisioned, Selection, Worker
from keyturn.sdk.schema import Plugin

# How a command of Keyturn's is called that an SDK runs again and again.
FOR_SDKS = " ".join(("keyturn", *delegation.VERB))


def provision(
    plugin: Plugin,
    cache: ConfigurationCache,
    executor: Executor,
    settings: Callable[[], Aws],
    now: Callable[[], datetime | None] = lambda: None,
) -> Provision:
    """The provisioning function of `plugin`, on configuration files kept in `cache`.

    `Selection.bound` is keyed by profile. The function reads files and so may block; its NeedWork asks STS
    through `executor`. It raises what `profiles.choose`, `ConfigurationCache.load`, `plan` and `environment`
    raise; no error holds a key. Keys of an item that ended before `now` says are not used.
    """

    def provision_aws(
        invocation: Invocation, selection: Selection, opened: Mapping[str, Item]
    ) -> NeedItem | NeedWork | Provisioned:
        executable = plugin.executable(invocation.executable)
        if executable is None:
            raise ConfigurationError(f"plugin {plugin.name} does not wrap {invocation.executable}")
        choice = profiles.choose(invocation, executable)
        name, variables = choice.profile.value, _variables(invocation)
        configuration = cache.load(variables, invocation.directory)
        planned = plan(
            Question(
                choice.profile,
                configuration,
                selection,
                opened,
                variables,
                settings(),
                invocation.executable,
                invocation.directory,
                invocation.surroundings,
                now(),
            )
        )
        if isinstance(planned, NeedItem):
            return planned
        treatment = "hidden" if executable.profile is None else executable.profile.in_child
        in_child, why_profile = environment.child_profile(name, treatment, configuration.profiles)
        region, why_region = environment.region(planned, invocation)
        reasons = (*choice.reasons, *planned.reasons, *planned.steps, why_region, why_profile)

        def provisioned(keys: Keys) -> Provisioned:
            return Provisioned(
                arguments=choice.arguments,
                assign={**environment.credentials(keys), **region, **in_child},
                remove=environment.REMOVED,
                notes=planned.notes,
                news=planned.news,
                reasons=tuple(filter(None, reasons)),
            )

        if not planned.calls:
            return provisioned(planned.keys)
        section = configuration.profiles.get(name, {})
        network = endpoints.network(variables, section, invocation.directory)

        async def ask_sts(worker: Worker) -> Provisioned:
            asks_again = invocation.asked_by == FOR_SDKS
            return provisioned(await executor.keys(planned, network, worker, asks_again=asks_again))

        first = planned.calls[0]
        account = sso_config.called(first.source) if isinstance(first, SsoRole) else ""
        return NeedWork(tuple(filter(None, reasons)), ask_sts, planned.notes, account)

    return provision_aws


def _variables(invocation: Invocation) -> dict[str, str]:
    """The invocation's environment as text; undecodable bytes become surrogates."""
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in invocation.environment.items()
    }
