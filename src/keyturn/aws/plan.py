"""Whose keys a command gets, and by which calls: a pure decision over profile, files, items and variables.

Identity first: a command never runs as somebody else than its profile names. What cannot be had yet ends in
an error that says so; nothing falls through to other keys.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from keyturn.aws import mfa, news, partitions, role, sso_config
from keyturn.aws.base import Base, Bases, Caller, WebIdentity
from keyturn.aws.calls import AssumeRole, AssumeRoleWithWebIdentity, GetSessionToken, Keys, Mfa
from keyturn.aws.chain import Chain, source_chain
from keyturn.aws.config import Configuration, text
from keyturn.aws.endpoints import REGIONS, Surroundings
from keyturn.aws.labels import REGION, SERIAL
from keyturn.aws.origins import Origin, Process, Provider, Step
from keyturn.aws.profiles import DEFAULT
from keyturn.aws.role import Role
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution
from keyturn.ground.settings import Aws
from keyturn.items import Item, find_field
from keyturn.sdk.run import NeedItem, Selection

# STS gives the root user's keys an hour (GetSessionToken); this is how the console calls root's first device.
_ROOT_DEVICE = ":mfa/root-account-mfa-device"


@dataclass(frozen=True)
class Plan:
    """What to use: the keys, and the calls in their order that turn them into those of the profile.

    Where the first call needs no keys, `keys` are NO_KEYS.

    `source` says whose keys they are (an item, a file), for errors; `region` is the profile's or the item's;
    `reasons`, `notes` and `news` as in Provisioned. `steps` has a line for each call.
    """

    keys: Keys
    region: Resolution[str] | None
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()
    calls: tuple[Step, ...] = ()
    source: str = ""
    news: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What a plan is made from. `variables` are the caller's, in `directory`; `executable` is for messages.

    `surroundings` as in Invocation; keys that ended before `now` are not used.
    """

    profile: Resolution[str]
    configuration: Configuration
    selection: Selection
    opened: Mapping[str, Item]
    variables: Mapping[str, str]
    settings: Aws
    executable: str = "aws"
    directory: str = "/"
    surroundings: str = ""
    now: datetime | None = None


def plan(asked: Question) -> NeedItem | Plan:
    """The plan for a profile, or the item that has to be opened first.

    Raises ConfigurationError for a profile that nothing knows, for files that contradict themselves and
    for what STS would refuse; NotYetError for credentials that cannot be had yet; NoDefaultError if no item
    is chosen and there is nothing else.
    """
    name, files, selection = asked.profile.value, asked.configuration, asked.selection
    if name not in files.profiles and name not in selection.bound and name != DEFAULT:
        raise unknown_profile(name, files, selection)
    chosen = selection.selected is not None
    chain = source_chain(name, files.profiles, selection.bound.keys(), is_default_chosen=chosen)
    # What no item can mend is said before one is asked for.
    roles = {each: role.read(each, files.profiles.get(each, {})) for each in chain.roles}
    mfa.configured(chain.profiles, files.profiles)
    seconds = float(asked.settings.process_seconds)
    caller = Caller(asked.variables, asked.directory, asked.surroundings, seconds, asked.now)
    bases = Bases(files, selection, asked.opened, asked.executable, caller, asked.settings.endpoints)
    if chain.provider:
        base: NeedItem | Base = bases.of_provider(chain.roles[-1], chain.provider)
    elif chain.base:
        base = bases.of_profile(chain.base, is_source=bool(chain.roles))
    else:
        base = bases.of_role(chain.roles[-1])
    return base if isinstance(base, NeedItem) else _Case(asked, chain, roles, base).plan()


def unknown_profile(name: str, configuration: Configuration, selection: Selection) -> ConfigurationError:
    """The error for a profile that neither the files nor an item knows, with the names nearest to it."""
    known = sorted({*configuration.profiles, *selection.bound})
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    named = ", ".join(f"“{printable(each)}”" for each in near or known[:8])
    hint = f"did you mean {named}?" if near else f"profiles: {named or 'none'}"
    return ConfigurationError(
        f"profile “{printable(name)}” is not in the AWS files, and no item is bound to it", hint
    )


@dataclass(frozen=True)
class _Case:
    asked: Question
    chain: Chain
    roles: Mapping[str, Role]
    base: Base

    def plan(self) -> Plan:
        asked, base = self.asked, self.base
        name = asked.profile.value
        found = mfa.device(self.chain.profiles, asked.configuration.profiles, base.item, base.source)
        # Temporary keys have their multi-factor authentication behind them, or can get none.
        device = None if found is None or base.is_temporary else found
        over = " → ".join(f"“{printable(hop)}”" for hop in self.chain.profiles[1:])
        roles = f"its role{f', over {over}' if over else ''}, with " if self.chain.roles else ""
        reasons = [f"profile “{printable(name)}” ({asked.profile.source}): {roles}{base.why}"]
        if device is not None:
            reasons.append(device.why)
        elif found is not None:
            reasons.append("no multi-factor code: the keys are temporary")
        calls, steps = self._calls(None if device is None else device.mfa)
        findings = self._findings(device)
        plaintext = news.of_plaintext(name, base, asked.configuration, asked.selection)
        return Plan(
            keys=base.keys,
            region=self._section_region(name) or self._item_region(),
            reasons=tuple(reasons),
            notes=(*base.notes, *findings),
            calls=tuple(calls),
            source=base.source,
            news={**self._typing(device), **plaintext},
            steps=tuple(steps),
        )

    def _findings(self, device: mfa.Device | None) -> list[str]:
        """What is amiss with the item, and matters here: each time, for somebody meant it to be used."""
        if self.base.item is None:
            return []
        serial = None if device is None else device.mfa
        found = []
        for each in mfa.diagnose(self.base.item):
            if each.kind is mfa.Amiss.NO_SERIAL and serial is not None:
                # The profile has it.
                continue
            if each.kind is not mfa.Amiss.NO_CODE:
                found.append(each.line)
        return found

    def _typing(self, device: mfa.Device | None) -> dict[str, str]:
        """That codes are typed for want of one in the item: said once, for that may be as it should be."""
        item = self.base.item
        if item is None or device is None or device.mfa.process:
            return {}
        if device.mfa.serial != mfa.value_of(item, SERIAL):
            return {}
        found = [each.line for each in mfa.diagnose(item) if each.kind is mfa.Amiss.NO_CODE]
        return {f"aws-typing-{item.id}": line for line in found}

    def _calls(self, device: Mfa | None) -> tuple[list[Step], list[str]]:
        """The calls and a line about each, from the base up."""
        calls: list[Step] = []
        steps: list[str] = []
        if self.base.origin is not None:
            origin, line = self._origin(self.base.origin)
            calls.append(origin)
            steps.append(line)
        # `fresh` is the device as long as no call has used it.
        fresh = device
        upward = list(reversed(self.chain.roles))
        first = self.roles[upward[0]].seconds if upward else 0
        if fresh is not None and first <= role.LONGEST_CHAINED:
            token, step = self._get_session_token(fresh)
            calls.append(token)
            steps.append(step)
            fresh = None
        for position, name in enumerate(upward):
            asked = self.roles[name].seconds
            is_chained = position > 0 or self.base.is_temporary
            seconds = min(asked, role.LONGEST_CHAINED) if is_chained else asked
            call, step = self._assume_role(name, upward[position + 1 :], seconds, fresh)
            if seconds < asked:
                step += f"; {_span(asked)} are asked for, and over temporary keys it is one hour at most"
            calls.append(call)
            steps.append(step)
            fresh = None
        return calls, steps

    def _origin(self, origin: Origin | WebIdentity) -> tuple[Step, str]:
        """The step that brings the first keys, and a line about it."""
        if isinstance(origin, WebIdentity):
            return self._web_identity(origin)
        called = f"profile “{printable(origin.profile)}”"
        if isinstance(origin, Process):
            shown = printable(origin.words[0], 200)
            return origin, f"the keys that {shown} prints (credential_process of {called})"
        if isinstance(origin, Provider):
            return origin, f"the keys that {origin.source} has (credential_source of {called})"
        return origin, f"GetRoleCredentials: {origin.source.title} through {sso_config.called(origin.source)}"

    def _web_identity(self, origin: WebIdentity) -> tuple[Step, str]:
        name = origin.profile
        known = role.read(name, self._section(name))
        above = [each for each in reversed(self.chain.roles) if each != name]
        own = self._section_region(name)
        regions = [] if own is None else [own]
        if not above:
            regions = [*self._caller_regions(), *regions]
        sts, why = self._surroundings().sts([name, *above], regions, partitions.of_arn(known.arn))
        call = AssumeRoleWithWebIdentity(
            name, known.arn, known.seconds, sts, known.session_name, origin.token_file
        )
        step = (
            f"AssumeRoleWithWebIdentity {printable(known.arn)} (profile “{printable(name)}”) with the token"
            f" in {printable(origin.token_file, 200)}, for {_span(known.seconds)}; STS of {sts.region}: {why}"
        )
        return call, step + _endpoint(sts.endpoint)

    def _get_session_token(self, device: Mfa) -> tuple[GetSessionToken, str]:
        """The call that every role over these keys shares, so its STS is not that of one of them."""
        arns = [partitions.of_arn(each.arn) for each in self.roles.values()]
        partition = partitions.of_arn(device.serial)
        if partition and arns and partition not in arns:
            lowest = printable(self.chain.roles[-1])
            raise ConfigurationError(
                f"the mfa serial {printable(device.serial)} and the role of profile “{lowest}” are of"
                " different partitions of AWS"
            )
        partition = partition or next((each for each in arns), "")
        regions = self._base_regions()
        if not partition:
            known = (partitions.of_region(each.value) for each in (*regions, *self._caller_regions()))
            partition = next((each for each in known if each), partitions.AWS)
        upward = list(reversed(self.chain.profiles))
        sts, why = self._surroundings().sts(upward, regions, partition)
        seconds = self.asked.settings.session_hours * 3600
        if device.serial.endswith(_ROOT_DEVICE):
            seconds = min(seconds, 3600)
        step = f"GetSessionToken with a code, for {_span(seconds)}; STS of {sts.region}: {why}"
        return GetSessionToken(device, seconds, sts), step + _endpoint(sts.endpoint)

    def _assume_role(
        self, name: str, above: Sequence[str], seconds: int, device: Mfa | None
    ) -> tuple[AssumeRole, str]:
        """The call for one role; `above` are the profiles from the next one to the one asked for."""
        arn = self.roles[name].arn
        own = self._section_region(name)
        regions = [] if own is None else [own]
        if not above:
            regions = [*self._caller_regions(), *regions, *self._item_regions()]
        regions += self._base_regions()
        sts, why = self._surroundings().sts([name, *above], regions, partitions.of_arn(arn))
        call = self.roles[name].call(seconds, sts, device)
        coded = " with a code" if device is not None else ""
        step = (
            f"AssumeRole {printable(arn)} (profile “{printable(name)}”){coded}, for {_span(seconds)};"
            f" STS of {sts.region}: {why}"
        )
        return call, step + _endpoint(sts.endpoint)

    def _surroundings(self) -> Surroundings:
        return Surroundings(self.asked.configuration, self.asked.variables, self.asked.settings.endpoints)

    def _base_regions(self) -> list[Resolution[str]]:
        """The base's own region, then its item's. A role's is not among them, nor is the caller's."""
        own = self._section_region(self.chain.base) if self.chain.base else None
        return [*([] if own is None else [own]), *self._item_regions()]

    def _caller_regions(self) -> list[Resolution[str]]:
        variables = self.asked.variables
        return [Resolution(variables[name], name) for name in REGIONS if variables.get(name)]

    def _section(self, name: str) -> Mapping[str, object]:
        return self.asked.configuration.profiles.get(name, {})

    def _section_region(self, name: str) -> Resolution[str] | None:
        region = text(self._section(name), "region")
        return Resolution(region, f"region of profile “{printable(name)}”") if region else None

    def _item_regions(self) -> list[Resolution[str]]:
        found = self._item_region()
        return [] if found is None else [found]

    def _item_region(self) -> Resolution[str] | None:
        item = self.base.item
        field = None if item is None else find_field(item, REGION)
        if item is None or field is None or not field.value:
            return None
        return Resolution(field.value.reveal(), f"“{REGION}” of item “{printable(item.title)}”")


def _span(seconds: int) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _endpoint(endpoint: str) -> str:
    return f", at {printable(endpoint)}" if endpoint else ""
