"""A value and where it came from, so that `inspect` can say why and tests can assert precedence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Resolution(Generic[T]):
    """`source` is a phrase for a person, such as “the global default” or “AWS_PROFILE”."""

    value: T
    source: str
