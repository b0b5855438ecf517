"""A table made anew from a topic alone, while the worker goes on writing to the old one.

First the topic as it is now goes into a shadow table, then what has come meanwhile, until little
comes. Then, in one transaction: writers are locked out; the topic's end is read; what is missing up
to there is applied; the shadow takes the live table's place. A record whose effect is in the live
table was in the topic before that end, so no effect is lost; the worker, which waited for the lock,
goes on with the new table. Interrupted at any point before the commit, the live table is as it was.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiokafka import ConsumerRecord

from delivery.replay.reading import Ranges, Reader
from delivery.replay.selection import Selection
from delivery.replay.shadow import ShadowTable

Apply = Callable[[list[ConsumerRecord]], Awaitable[int]]
"""Applies records to the shadow, and says how many of them cannot be decoded."""

_FEW: Final = 1_000
_ROUNDS: Final = 20
_LOCK_WAIT_S: Final = 5.0
# Writers wait: longer than that, and their time-outs fill the log. They only try again.
_LOCKED_S: Final = 30.0

_LOG: Final = logging.getLogger(__name__)


class Empty(RuntimeError):
    """The topic has nothing, and the live table has something: is this the right Kafka?"""


class Rebuilt(msgspec.Struct):
    """What was done. ``rows_before`` counts the live table as it was."""

    read: int = 0
    undecodable: int = 0
    rows_before: int = 0
    rows: int = 0


class Rebuild:
    """One rebuild. Call ``fill``, then ``swap``; between them an operator may be asked."""

    def __init__(
        self,
        reader: Reader,
        connection: Any,
        shadow: ShadowTable,
        apply: Apply,
        progress: Callable[[int, int], None],
    ) -> None:
        self._reader = reader
        self._connection = connection
        self._shadow = shadow
        self._apply = apply
        self._progress = progress
        self._ranges: Ranges = {}
        self.done = Rebuilt()

    async def fill(self) -> Rebuilt:
        """Bring the shadow up to the present, nearly. Touches nothing else.

        Raises:
            Busy: another rebuild is under way.
            Empty: nothing came of the topic, but the live table has rows.
            KafkaError, asyncpg.PostgresError, OSError: something went away.
        """
        await self._shadow.create()
        self._ranges = await self._reader.ranges(Selection())
        await self._take(self._ranges)
        for _ in range(_ROUNDS):
            if await self._catch_up() < _FEW:
                break
        await self._shadow.analyze()
        self.done.rows_before, self.done.rows = await self._shadow.count()
        if self.done.rows_before and not self.done.rows:
            raise Empty(
                f"{self._reader.topic} gives no rows at all, {self._shadow.live} has"
                f" {self.done.rows_before}: is this the right Kafka?"
            )
        return self.done

    async def swap(self) -> Rebuilt:
        """Put the shadow in the live table's place.

        Raises:
            asyncpg.LockNotAvailableError: somebody holds the live table for too long.
            TimeoutError: more comes than can be caught up with.
            KafkaError, asyncpg.PostgresError, OSError: something went away.
        """
        await self._catch_up()  # an operator may have thought for a while
        async with asyncio.timeout(_LOCKED_S), self._connection.transaction():
            await self._shadow.lock(_LOCK_WAIT_S)
            count = await self._catch_up()
            await self._shadow.swap()
        _LOG.info("%s replaced, %d records caught up under the lock", self._shadow.live, count)
        return self.done

    async def _catch_up(self) -> int:
        come = await self._reader.since(self._ranges)
        self._ranges = come
        return await self._take(come)

    async def _take(self, ranges: Ranges) -> int:
        before = self.done.read
        total = before + sum(map(len, ranges.values()))
        async for batch in self._reader.read(ranges):
            self.done.undecodable += await self._apply(batch)
            self.done.read += len(batch)
            self._progress(self.done.read, total)
        return self.done.read - before
