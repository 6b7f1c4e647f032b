"""The plaintext keys in the credentials file that do not end by themselves, ready to be spoken of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from operator import xor


@dataclass(frozen=True, repr=False)
class LastingKeys:
    """Key ids by profile. Made once a file, because a file may have hundreds and each command asks."""

    by_profile: Mapping[str, str] = field(default_factory=dict)
    by_key: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    digests: Mapping[str, int] = field(default_factory=dict)
    digest_of_all: int = 0

    def others(self, known: Iterable[str], key_id: str, named: int) -> tuple[list[str], int, str]:
        """The profiles but those `known` and those with this key: the first few, how many, and a digest.

        The digest tells one set of profiles and keys from another, and no key's id.
        """
        left_out = {name for name in known if name in self.by_profile} | {*self.by_key.get(key_id, ())}
        count = len(self.by_profile) - len(left_out)
        if not count:
            return [], 0, ""
        digest = self.digest_of_all
        for name in left_out:
            digest ^= self.digests[name]
        first = islice((name for name in self.by_profile if name not in left_out), named)
        return list(first), count, f"{digest:032x}"


def collect(pairs: Iterable[tuple[str, str]]) -> LastingKeys:
    """From pairs of profile and key id."""
    by_profile = dict(pairs)
    by_key: dict[str, tuple[str, ...]] = {}
    digests: dict[str, int] = {}
    for name, key_id in by_profile.items():
        by_key[key_id] = (*by_key.get(key_id, ()), name)
        digests[name] = int(digest_of(name, key_id), 16)
    return LastingKeys(by_profile, by_key, digests, reduce(xor, digests.values(), 0))


def digest_of(name: str, key_id: str) -> str:
    """What tells the keys of a profile from others, and does not tell which they are."""
    written = f"{name}\0{key_id}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(written).hexdigest()[:32]
