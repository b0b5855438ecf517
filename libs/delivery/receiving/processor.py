"""One partition's records, in order, apart from every other partition's.

A record that is stuck holds up its own partition and no other. The queue is bounded: a partition
whose queue is full is not fetched from until half of it is done.
"""

import asyncio
import logging
from collections import deque
from typing import Final, Protocol

from aiokafka import ConsumerRecord, TopicPartition

from delivery.kafka.availability import one_line
from delivery.receiving.progress import Progress

_LOG: Final = logging.getLogger(__name__)
# A span holds 128 links unless an operator says otherwise, and a batch's span has one a record.
BATCH_SIZE: Final = 128
_FULL_RECORDS: Final = 2_000
_FULL_BYTES: Final = 16 * 1024 * 1024
_PAUSE_AFTER_BUG_S: Final = 5.0
_CANCEL_TIMEOUT_S: Final = 1.0


class Stopping(Exception):
    """The partition is being given up; what is not finished is delivered again."""


class Effects(Protocol):
    """What a processor does with its records."""

    async def apply(self, batch: list[ConsumerRecord], partition: "Processor", /) -> None:
        """Bring every record to its end, and tell the processor."""


class Processor:
    """Takes what is there, up to 128 records, applies it, and goes on.

    ``position`` is the offset that may be committed: everything before it is durable. None until
    there is one. ``trouble`` says why the oldest record is being tried again. ``at_once`` is how
    many records may be applied together: fewer while that fails, as under a slow database, whose
    time-out a full batch would exceed each time.
    """

    def __init__(self, tp: TopicPartition, effects: Effects) -> None:
        self.tp = tp
        self.trouble: str | None = None
        self.full = False
        self.at_once = BATCH_SIZE
        self._effects = effects
        self._queue: deque[ConsumerRecord] = deque()
        self._bytes = 0
        self._batch: list[ConsumerRecord] = []
        self._progress: Progress | None = None
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"{tp.topic}[{tp.partition}]")

    @property
    def position(self) -> int | None:
        return None if self._progress is None else self._progress.position

    @property
    def oldest(self) -> int | None:
        """The offset of the first record that is not finished, None when nothing came yet."""
        if self._progress is None:
            return self._queue[0].offset if self._queue else None
        return self._progress.position

    def feed(self, records: list[ConsumerRecord]) -> None:
        """Take these, which follow those before."""
        self._queue.extend(records)
        self._bytes += sum(map(_size, records))
        self.full = len(self._queue) >= _FULL_RECORDS or self._bytes >= _FULL_BYTES
        self._wake.set()

    async def stop(self, seconds: float) -> None:
        """Finish what is being applied now, for at most ``seconds``, and take no more.

        A record that is only waiting to be tried again is let go at once.
        """
        self._stopping.set()
        self._wake.set()
        await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            _LOG.warning(
                "%s[%d]: stopped before offset %s was finished; it will be delivered again",
                self.tp.topic,
                self.tp.partition,
                self.oldest,
            )
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_CANCEL_TIMEOUT_S)

    def check(self) -> None:
        """Raises Stopping when the partition is being given up."""
        if self._stopping.is_set():
            raise Stopping

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

    def slow_down(self, tried: int) -> None:
        """So many records together were too many, or came at a bad time."""
        self.at_once = max(1, tried // 2)

    def speed_up(self, done: int) -> None:
        """So many records went through together."""
        if done >= self.at_once:
            self.at_once = min(BATCH_SIZE, self.at_once + 1 + self.at_once // 4)

    def finish(self, *offsets: int) -> None:
        """The effects, or the dead letters, of these are durable."""
        assert self._progress is not None
        self.trouble = None
        self._progress.finish(offsets)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._take()
            self._progress = Progress(raw.offset for raw in batch)
            try:
                await self._apply(batch)
            except Stopping:
                return

    def _take(self) -> list[ConsumerRecord]:
        queue = self._queue
        batch = [queue.popleft() for _ in range(min(BATCH_SIZE, len(queue)))]
        self._bytes -= sum(map(_size, batch))
        if len(queue) < _FULL_RECORDS // 2 and self._bytes < _FULL_BYTES // 2:
            self.full = False
        return batch

    async def _apply(self, batch: list[ConsumerRecord]) -> None:
        """Until all is finished. An error that gets here is a bug, and no reason to skip."""
        progress = self._progress
        assert progress is not None
        while batch:
            try:
                await self._effects.apply(batch, self)
            except Stopping:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the record stays ours
                _LOG.exception("%s[%d]: unexpected", self.tp.topic, self.tp.partition)
                await self.pause(_PAUSE_AFTER_BUG_S, one_line(error))
            batch = [raw for raw in batch if progress.pending(raw.offset)]


def _size(raw: ConsumerRecord) -> int:
    return len(raw.value) if raw.value is not None else 0
