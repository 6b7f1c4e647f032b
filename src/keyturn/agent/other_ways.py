"""Work that the person may leave for another way to agree, for conversations of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeAlias, TypeVar

from keyturn.auth.protocol import OtherWayError

T = TypeVar("T")

Way: TypeAlias = "asyncio.Task[object]"


class OtherWays:
    """Ways within ways: the innermost is the one that is left, and then the next one out."""

    def __init__(self) -> None:
        self.innermost: Way | None = None
        self._unwanted: Way | None = None

    async def do(self, work: Coroutine[object, object, T]) -> T:
        """As `Asking.unless_other_way`."""
        task = asyncio.ensure_future(work)
        outer, self.innermost = self.innermost, task
        try:
            return await task
        except asyncio.CancelledError:
            if self._unwanted is task:
                raise OtherWayError from None
            raise
        finally:
            self.innermost = outer

    def leave(self, way: Way | None) -> None:
        """The person would rather agree in another way than by this one; nothing if there is no other."""
        if way is not None:
            self._unwanted = way
            way.cancel()
