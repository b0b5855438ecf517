"""One partition's records for one agent: those that wait, and how far the finished ones reach, that
is, what may be committed.

A record that is stuck holds up its own partition and no other. The queue is bounded: a partition
whose queue is full is not fetched from until half of it is done.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, Protocol

FULL_RECORDS: Final = 2_000
_FULL_BYTES: Final = 16 * 1024 * 1024


class Raw(Protocol):
    """A record as it was fetched; aiokafka's, or one of a channel."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def value(self) -> bytes | None:
        """Its bytes."""


class Stopping(Exception):
    """The partition is being given up; what is not finished is delivered again."""


class Progress:
    """Which offset may be committed: the first one that is not finished, and never one after it.

    Faust takes an offset to be the last one handled where it is the next one to read, and so
    commits past a record that is still being worked on; it also forgets records that nobody else
    holds. This keeps the offsets themselves, in the order in which they came.
    """

    def __init__(self) -> None:
        self._pending: dict[int, None] = {}
        self._end: int | None = None

    @property
    def position(self) -> int | None:
        """The next offset to read: everything before it is finished. None when none was taken yet.

        Offsets that the broker never gave us (compacted away) are no holes.
        """
        return next(iter(self._pending), self._end)

    def take(self, offsets: Iterable[int]) -> None:
        """These follow those before, and are to be finished."""
        for offset in offsets:
            self._pending[offset] = None
            self._end = offset + 1

    def finish(self, offsets: Iterable[int]) -> None:
        """The effects, or the dead letters, of these are durable."""
        for offset in offsets:
            del self._pending[offset]


class Partition:
    """A bounded queue, and the offset that may be committed.

    ``trouble`` says why the oldest record is being tried again; None when it is not.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.trouble: str | None = None
        self.full = False
        self._queue: deque[Any] = deque()
        self._bytes = 0
        self._progress = Progress()
        self._more = asyncio.Event()
        self._stopping = asyncio.Event()

    # -- for the consumer

    @property
    def position(self) -> int | None:
        """The offset that may be committed, None until there is one."""
        return self._progress.position

    @property
    def oldest(self) -> int | None:
        """The offset of the first record that is not finished, None when nothing came yet."""
        if self.position is None:
            return self._queue[0].offset if self._queue else None
        return self.position

    def feed(self, records: list[Any]) -> None:
        """Let these wait, which follow those before."""
        self._queue.extend(records)
        self._bytes += sum(map(_size, records))
        self.full = len(self._queue) >= FULL_RECORDS or self._bytes >= _FULL_BYTES
        self._more.set()

    def stop(self) -> None:
        """Give no more records, and end every pause."""
        self._stopping.set()
        self._more.set()

    # -- for the actor

    @property
    def stopping(self) -> bool:
        """Whether the partition is being given up."""
        return self._stopping.is_set()

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._queue

    def take(self, most: int) -> list[Any]:
        """What waits, at most so many; they are to be finished from now on."""
        queue = self._queue
        taken = [queue.popleft() for _ in range(min(most, len(queue)))]
        self._bytes -= sum(map(_size, taken))
        if len(queue) < FULL_RECORDS // 2 and self._bytes < _FULL_BYTES // 2:
            self.full = False
        self._progress.take([raw.offset for raw in taken])
        return taken

    async def wait(self, wanted: int, within: float) -> None:
        """Until a record waits, and from then on until there are so many, for at most ``within``
        seconds. Ends early at a stop, and when the queue is full."""
        while not self._queue and not self.stopping:
            self._more.clear()
            await self._more.wait()
        if within <= 0:
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while len(self._queue) < wanted and not self.full and not self.stopping:
            self._more.clear()
            try:
                await asyncio.wait_for(self._more.wait(), end - loop.time())
            except TimeoutError:
                return

    def finish(self, *offsets: int) -> None:
        """The effects, or the dead letters, of these are durable."""
        self.trouble = None
        self._progress.finish(offsets)

    async def pause(self, seconds: float, trouble: str) -> None:
        """Wait before trying again.

        Raises:
            Stopping: there will be no other try here.
        """
        self.trouble = trouble
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        raise Stopping


def _size(raw: Raw) -> int:
    return len(raw.value) if raw.value is not None else 0
