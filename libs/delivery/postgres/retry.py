"""Tries a transaction again that was in another one's way."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec, TypeVar

from delivery.postgres.errors import is_conflict

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS: Final = 6
FIRST_PAUSE: Final = 0.005
"""Seconds; each pause is up to twice the one before, and drawn at random: two that met once are not
to meet again."""


def retry_conflicts(work: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Decorate what is one transaction from its first statement to its commit.

    A serialisation failure or a deadlock (class 40) has undone all of it: it is called again, up to
    ``ATTEMPTS`` times in all; then the error is the caller's, who answers 503 or tries later. The
    function's only effects are those of its transaction, and it is not called inside another one,
    which a conflict undoes as well.
    """

    @functools.wraps(work)
    async def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(ATTEMPTS - 1):
            try:
                return await work(*args, **kwargs)
            except Exception as error:
                if not is_conflict(error):
                    raise
            await asyncio.sleep(random.uniform(0.5, 1.0) * FIRST_PAUSE * 2**attempt)
        return await work(*args, **kwargs)

    return tried
