"""Temporary keys in the keeper's memory, by everything that went into them. Gone when the keeper is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.aws.calls import AssumeRole, AssumeRoleWithWebIdentity, GetSessionToken, Keys, Sts
from keyturn.aws.origins import Origin, Process, Provider, Step
from keyturn.ground.clock import Clock
from keyturn.ground.secret import Secret

# Less is not handed out: a command that takes a while would end with expired keys (story 37).
USABLE_SECONDS = 300.0
# Less is renewed while it is still handed out.
FRESH_SECONDS = 600.0
# The same for keys that last long. An SDK asks again before its keys end, botocore on each of its calls from
# 15 minutes on (botocore.credentials): with a minute for its clock, it gets new ones when it first asks.
FRESH_FOR_SDKS, LONG = 960.0, 3.0
MOST = 1000


@dataclass(frozen=True)
class Entry:
    """`deadline` is on the boot clock; with less than `fresh` seconds up to it, it is time for new ones."""

    keys: Keys
    deadline: float
    fresh: float


class Cache:
    """Entries by the names that `names` gives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, Entry] = {}

    def get(self, name: str) -> Entry | None:
        """An entry that lasts long enough to be used."""
        entry = self._entries.get(name)
        if entry is not None and entry.deadline - self._clock.boot() < USABLE_SECONDS:
            del self._entries[name]
            return None
        return entry

    def is_ageing(self, entry: Entry) -> bool:
        """Whether it is time to renew an entry."""
        return entry.deadline - self._clock.boot() < entry.fresh

    def put(self, name: str, keys: Keys, deadline: float) -> None:
        """Keep `keys` up to `deadline`; if there are very many, those are dropped that end first."""
        # Keys of 15 minutes would never be fresh for an SDK: they are renewed as often as they have to be.
        lasts = deadline - self._clock.boot()
        fresh = max(FRESH_SECONDS, min(FRESH_FOR_SDKS, lasts / LONG))
        self._entries[name] = Entry(keys, deadline, fresh)
        if len(self._entries) > MOST:
            latest = sorted(self._entries.items(), key=lambda each: each[1].deadline, reverse=True)
            self._entries = dict(latest[: MOST // 2])

    def forget(self, name: str) -> None:
        """Drop an entry, if it is there."""
        self._entries.pop(name, None)


def names(keys: Keys, steps: Sequence[Step], account: str = "") -> tuple[str, ...]:
    """What the result of each step is kept under: a hash of all inputs up to there (stories 4 and 38).

    A user's session is the same for every region and every role: one code serves them all (stories 2
    and 9). The legacy global endpoint's is apart, for regions that are opted into refuse it (story 34).
    `account` is whose sign-ins are used.
    """
    found: list[str] = []
    source = _hash("keys", keys.key_id, _secret(keys.secret), _secret(keys.token))
    for step in steps:
        if isinstance(step, GetSessionToken):
            source = _hash("session", source, *_session(step))
        elif isinstance(step, AssumeRole):
            source = _role(source, step)
        else:
            source = _origin(step, account)
        found.append(source)
    return tuple(found)


def _origin(step: AssumeRoleWithWebIdentity | Origin, account: str) -> str:
    """What brings keys out of none has all its inputs in itself; which profile names it, changes nothing."""
    if isinstance(step, AssumeRoleWithWebIdentity):
        return _hash("web", step.role, step.duration, *_sts(step.sts), step.session_name, step.token_file)
    if isinstance(step, Provider):
        return _hash("provider", step.source, step.settings, _secret(step.token), step.token_file)
    if isinstance(step, Process):
        # What it prints may depend on which profile it was called for, through its own look at the files.
        return _hash("process", step.profile, step.words, step.surroundings)
    return _hash("sso", account, step.source)


def _session(call: GetSessionToken) -> tuple[object, ...]:
    return (call.mfa.serial, call.sts.partition, call.sts.endpoint, "legacy" in call.sts.variant)


def _role(source: str, call: AssumeRole) -> str:
    mfa = None if call.mfa is None else (call.mfa.serial, _secret(call.mfa.secret))
    return _hash(
        *("role", source, call.role, call.duration, _sts(call.sts), call.session_name, call.external_id),
        *(call.tags, call.transitive_tags, call.source_identity, mfa),
    )


def _sts(sts: Sts) -> tuple[object, ...]:
    return (sts.region, sts.partition, sts.endpoint, sorted(sts.variant))


def _secret(secret: Secret | None) -> str | None:
    return None if secret is None else _hash(secret.reveal())


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
