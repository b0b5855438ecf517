"""What a topic says last of each thing that it tells of."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from delivery.replay.selection import Found

R = TypeVar("R")
K = TypeVar("K")


async def newest_of_each(
    found: AsyncIterator[Found], key: Callable[[R], K], sequence: Callable[[R], Any]
) -> dict[K, R]:
    """Each key's record with the highest sequence; of several, the one that came first. Records
    that cannot be decoded say nothing."""
    newest: dict[K, R] = {}
    async for each in found:
        if isinstance(each.record, Exception):
            continue
        record: R = each.record
        known = newest.get(key(record))
        if known is None or sequence(known) < sequence(record):
            newest[key(record)] = record
    return newest
