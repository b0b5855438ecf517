"""From the outbox to Kafka: pages are read, sent without waiting for each other, and deleted once
acknowledged.

Guarantees: a row is deleted only after the broker has acknowledged its record. Records of one key
are sent in the order of their rows' ids. At most MAX_IN_FLIGHT rows are held, whatever the backlog.
Nothing is sent once the lease is no longer held. A failure that can pass keeps its rows and stops
everything behind them; a record that can never be sent is parked and stops nobody.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from functools import partial

import asyncpg
from aiokafka.errors import ProducerClosed
from faust.types import RecordMetadata
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, Span, use_span

from delivery.kafka.remedies import remedy
from delivery.sending import queue
from delivery.sending.lease import Lease, LeaseLostError
from delivery.sending.publisher import HopelessError, Publisher, is_hopeless
from delivery.sending.queue import Row
from telemetry.kafka import SendSpan, end_send_span, extract, inject, start_send_span
from telemetry.metrics import counter

logger = logging.getLogger(__name__)

PAGE = 500
MAX_IN_FLIGHT = 2_000
POLL = 1.0
"""Seconds after which the outbox is looked at although nobody said that there is something."""
PAUSE = 0.01
"""Seconds between reads, or deletions, that are not full: under load they come in batches."""
BREATH = 25
"""Sends after which the requests of this process get a turn: while the producer's buffers have
room, sending waits for nothing."""
STALL = 15.0
"""Seconds without an acknowledgement after which the producer is replaced."""
SLOW = 3.0
"""Seconds without an acknowledgement after which we say that we wait for Kafka."""
LONGEST_BACKOFF = 5.0  # seconds


class SendError(Exception):
    """Records could not be sent now. Their rows are kept; another producer is to send them."""


class Pump:
    """Sends while `run` runs. `wake` is set when there may be something new."""

    def __init__(
        self, pool: asyncpg.Pool, publisher: Publisher, lease: Lease, wake: asyncio.Event
    ) -> None:
        self._pool, self._publisher, self._lease, self._wake = pool, publisher, lease, wake
        self.sending = False
        """Whether there is a producer; without one, nothing is in flight."""
        self._stopping = False
        self._room = asyncio.Event()
        self._acknowledgements = asyncio.Event()
        self._suspects: set[int] = set()
        self._backoff = 0.0
        self._failure: str | None = None
        self._reset()

    def _reset(self) -> None:
        """Forget what one producer was given; late answers to it are for nobody."""
        self._flight: dict[int, SendSpan | None] = {}  # None: acknowledged, not deleted yet
        self._unanswered = 0
        self._acknowledged: list[tuple[int, str]] = []  # id, topic
        self._failures: dict[int, BaseException] = {}
        self._progress = time.monotonic()

    @property
    def waiting(self) -> str | None:
        """Why nothing moves, in one line; None when all is well."""
        if not self.sending:
            return self._publisher.reason or self._failure
        silence = time.monotonic() - self._progress
        if self._unanswered and silence > SLOW:
            return f"Kafka has acknowledged nothing for {silence:.0f} s"
        return self._failure

    def stop(self) -> None:
        """Let `run` end once everything that was sent is acknowledged and deleted."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Send until stopped or cancelled.

        Raises LeaseLostError, and what the database raises; the producer is given up then.
        """
        try:
            while not self._stopping:
                await self._publisher.open()
                try:
                    await self._send_all()
                except SendError as error:
                    await self._recover(error)
        finally:
            await self._publisher.abandon()

    async def _recover(self, error: SendError) -> None:
        await self._publisher.abandon()
        if is_hopeless(error.__cause__):
            return  # the culprit is found by sending one by one: nothing to wait for
        self._failure = str(error)
        self._backoff = min(max(0.2, 2 * self._backoff), LONGEST_BACKOFF)
        logger.warning("sending failed, next try in %.1f s: %s", self._backoff, error)
        await asyncio.sleep(self._backoff * random.uniform(0.8, 1.2))

    async def _send_all(self) -> None:
        """Read and send through one producer, until stopped. Raises SendError."""
        self._reset()
        self.sending = True
        deleting = asyncio.create_task(self._delete_acknowledged())
        deleting.add_done_callback(lambda _: self._stir())
        try:
            while not self._stopping:
                started = time.monotonic()
                self._wake.clear()
                if len(await self._send_page(deleting)) == PAGE:
                    continue
                await _wait(self._wake, POLL)
                await asyncio.sleep(max(0.0, started + PAUSE - time.monotonic()))
            while self._flight:
                await self._wait_for_room(deleting)
        finally:
            self.sending = False
            deleting.cancel()
            await asyncio.gather(deleting, return_exceptions=True)
            for span in self._flight.values():
                if span is not None:
                    end_send_span(span, partition=None, offset=None, error=ProducerClosed())

    async def _send_page(self, deleting: asyncio.Task[None]) -> list[Row]:
        while MAX_IN_FLIGHT - len(self._flight) < PAGE:
            await self._wait_for_room(deleting)
        self._check(deleting)
        rows = await queue.read(self._pool, self._flight, PAGE)
        for number, row in enumerate(rows):
            if row.id in self._suspects:
                await self._send_alone(row, deleting)
            else:
                await self._send(row)
            if number % BREATH == 0:
                await asyncio.sleep(0)
        return rows

    async def _send(self, row: Row) -> None:
        if self._failures or not self._lease.held:
            self._raise_failure()
        span = start_send_span(row.topic, row.key, parent=row.trace_context)
        try:
            future = await self._publisher.send(row, inject(span, []))
        except BaseException as error:
            end_send_span(span, partition=None, offset=None, error=error)
            if isinstance(error, HopelessError):
                return await self._park(row, error)
            if isinstance(error, Exception):
                raise SendError(_one_line(error)) from error
            raise
        self._flight[row.id] = span
        self._unanswered += 1
        future.add_done_callback(partial(self._answered, self._flight, row))
        return None

    async def _send_alone(self, row: Row, deleting: asyncio.Task[None]) -> None:
        """Find out whether this record is the one that the broker refused a whole batch for."""
        while self._unanswered:
            await self._wait_for_room(deleting)
        await self._send(row)
        while self._unanswered and not self._failures:
            await self._wait_for_room(deleting)
        error = self._failures.get(row.id)
        if error is None or is_hopeless(error):
            self._suspects.discard(row.id)
        if error is not None and is_hopeless(error):
            await self._park(row, error)

    def _answered(
        self, flight: dict[int, SendSpan | None], row: Row, future: asyncio.Future[RecordMetadata]
    ) -> None:
        error = ProducerClosed() if future.cancelled() else future.exception()
        if flight is not self._flight or not self.sending:
            return
        span = flight[row.id]
        assert span is not None, "a record is answered once"
        self._unanswered -= 1
        if error is not None:
            end_send_span(span, partition=None, offset=None, error=error)
            del flight[row.id]
            self._failures[row.id] = error
            self._stir()
            return
        done = future.result()
        end_send_span(span, partition=done.partition, offset=done.offset, error=None)
        flight[row.id] = None
        self._acknowledged.append((row.id, row.topic))
        self._acknowledgements.set()
        self._progress = time.monotonic()
        self._backoff, self._failure = 0.0, None

    async def _delete_acknowledged(self) -> None:
        while True:
            await self._acknowledgements.wait()
            self._acknowledgements.clear()
            batch, self._acknowledged = self._acknowledged, []
            await queue.delete(self._pool, [row_id for row_id, _ in batch])
            for row_id, _ in batch:
                del self._flight[row_id]
            for topic, number in Counter(topic for _, topic in batch).items():
                counter("outbox.published").add(number, {"messaging.destination.name": topic})
            self._room.set()
            await asyncio.sleep(PAUSE)

    async def _park(self, row: Row, error: BaseException) -> None:
        await queue.park(self._pool, row.id, _one_line(error))
        labels = {"messaging.destination.name": row.topic, "error.type": type(error).__name__}
        counter("outbox.parked").add(1, labels)
        with use_span(_cause_of(row)):
            logger.error(
                "outbox row %s for %s is parked, it can never be sent as it is: %s"
                " (the commands for parked rows show, retry and discard it)",
                row.id,
                row.topic,
                _one_line(error),
            )

    async def _wait_for_room(self, deleting: asyncio.Task[None]) -> None:
        self._check(deleting)
        self._room.clear()
        await _wait(self._room, POLL)

    def _stir(self) -> None:
        """Something went wrong: have whoever waits look at it."""
        self._room.set()
        self._wake.set()

    def _check(self, deleting: asyncio.Task[None]) -> None:
        """Raise what keeps us from going on."""
        if deleting.done():
            deleting.result()
        # The lease first: a process that stood still has heard nothing of Kafka either.
        if self._failures or not self._lease.held:
            self._raise_failure()
        silence = time.monotonic() - self._progress
        if self._unanswered and silence > STALL:
            raise SendError(f"Kafka has acknowledged nothing for {silence:.0f} s")

    def _raise_failure(self) -> None:
        if not self._lease.held:
            raise LeaseLostError("the lease was not renewed in time")
        row_id, error = next(iter(self._failures.items()))
        self._suspects |= {i for i, failed in self._failures.items() if is_hopeless(failed)}
        raise SendError(f"outbox row {row_id}: {_one_line(error)}") from error


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, or for so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def _cause_of(row: Row) -> Span:
    """The span that the row was written in: what is logged of the row belongs there."""
    headers = [(name, value.encode()) for name, value in (row.trace_context or {}).items()]
    context = extract(headers)
    return INVALID_SPAN if context is None else NonRecordingSpan(context)


def _one_line(error: BaseException) -> str:
    """What to do about it, or type and message, without what belongs to the record."""
    return remedy(error) or f"{type(error).__name__}: {error}"[:300]
