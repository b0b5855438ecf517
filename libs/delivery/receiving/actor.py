"""An actor: one agent's body at work on one partition, and started again when it raises.

Here is the retry. The body pulls: it asks its stream for the next record, and so says that it is
done with the last one. What a body had in hand when it raised is handed to the next body first.
"""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

from faust.streams import _current_event
from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context, use_span

from delivery.kafka.availability import one_line
from delivery.receiving.counting import Counting
from delivery.receiving.partition import FULL_RECORDS, Partition, Stopping
from delivery.receiving.retry import Classify, PermanentError, RetryPolicy
from delivery.receiving.source import Delivery, Source
from delivery.receiving.stream import Stream
from delivery.refused import Refused
from telemetry.attributes import OUTCOME
from telemetry.errors import type_of
from telemetry.kafka import BatchSpan
from telemetry.metrics import counter

_LOG: Final = logging.getLogger(__name__)
_NOWHERE: Final = Context()
_DONE: Final[Mapping[str, str]] = {OUTCOME: "done"}
_CANCEL_TIMEOUT_S: Final = 1.0
_PAUSE_AFTER_BUG_S: Final = 5.0
_OTHERS_RUN_EACH: Final = 64
_IN_HAND: Final = (
    "ended with a record in hand: only coming back for the next one says that it is done"
)


class EndedEarly(Exception):
    """A body ended, although there is always more to come: it never said that it is done with what
    it has in hand, if anything."""


class Body(Protocol):
    """What an actor needs to know of its agent."""

    name: str
    policy: RetryPolicy
    classify: Classify

    def begin(self, stream: Stream[Any], /) -> Any:
        """Call the agent's function: a coroutine, or an asynchronous generator."""

    async def sink(self, result: Any, /) -> None:
        """Give what the body yielded to every sink; returns when they have it."""


class Actor:
    """Runs the body in a task of its own, until ``stop``.

    Promises: a record is reported finished only when the body came back for the next one, or when
    its dead letter is acknowledged. Whatever the body does once it was cancelled, or once a sink or
    the stream raised into it, counts for nothing.
    """

    def __init__(
        self, agent: Body, source: Source, partition: Partition, counting: Counting
    ) -> None:
        self.partition = partition
        self.source = source
        self.agent = agent
        self._counting = counting
        self._stream: Stream[Any] = Stream(self, source.channel)
        self._given_up = False
        self._held: list[Delivery] = []  # in the body's hands
        self._again: deque[Delivery] = deque()  # to be handed over before what waits
        self._unread: list[Delivery] = []  # cannot be decoded
        self._batch: BatchSpan | None = None
        self._error: BaseException | None = None  # what the stream or a sink raised
        self._at_once = FULL_RECORDS  # fewer while batches fail, as under a slow database
        self._alone = 0  # how many of the next are handed over one by one
        self._failures = 0  # of what is in hand, of the sort that does not pass
        self._passed = 0  # of the sort that passes
        self._paused = False
        self._pauses = agent.policy.pauses()
        self._handed = 0
        self.task = asyncio.create_task(self._run(), name=f"{agent.name} {partition.name}")

    async def stop(self, seconds: float) -> None:
        """Let the body finish what it has in hand, for at most so long, and give it no more.

        A record that is only waiting to be tried again is let go at once.
        """
        self.partition.stop()
        await asyncio.wait({self.task}, timeout=seconds)
        if not self.task.done():
            _LOG.warning(
                "%s: stopped before offset %s was finished; it will be delivered again",
                self.partition.name,
                self.partition.oldest,
            )
            self._given_up = True
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=_CANCEL_TIMEOUT_S)

    # -- one body after the other

    async def _run(self) -> None:
        try:
            while not self._ending:
                error = await self._run_body()
                if self._given_up:
                    return
                await self._after(error)
        except Stopping:
            return
        finally:
            for delivery in (*self._held, *self._again, *self._unread):
                delivery.close()

    @property
    def _ending(self) -> bool:
        return self._given_up or self.partition.stopping

    async def _run_body(self) -> BaseException | None:
        """From its first line to its end; why it ended, None without an error."""
        self._error = None
        self._stream = Stream(self, self.source.channel)
        try:
            body = self.agent.begin(self._stream)
            if inspect.isasyncgen(body):
                try:
                    async for result in body:
                        await self._sink(result)
                finally:
                    await body.aclose()
            else:
                await body
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - also a cancellation that is not ours
            return self._error or error
        return self._error

    async def _sink(self, result: Any) -> None:
        try:
            await self.agent.sink(result)
        except BaseException as error:
            self.fail(error)
            raise

    async def _after(self, error: BaseException | None) -> None:
        """The body ended. Raises Stopping."""
        context.attach(_NOWHERE)
        try:
            if self._held:
                await self._failed(error or EndedEarly(f"{self.agent.name} {_IN_HAND}"))
            elif not self._ending:
                early = EndedEarly(f"{self.agent.name} ended, and had taken nothing")
                await self._try_again(error or early, None)
        except Stopping:
            raise
        except Exception as bug:  # noqa: BLE001 - whatever it is, the records stay ours
            _LOG.exception("%s: unexpected", self.partition.name)
            await self.partition.pause(_PAUSE_AFTER_BUG_S, one_line(bug))

    # -- what the stream asks

    async def hand(self, most: int, within: float) -> list[Delivery] | None:
        """The next records for the body, which is done with the last ones; None at the end.

        At least one and at most ``most`` of them: what waits, or what comes ``within`` so many
        seconds after the first. Their span is current, and ``faust.current_event()`` is the last
        one's event.

        Raises:
            Refused: another task than the body's asks.
        """
        if asyncio.current_task() is not self.task:
            raise Refused(
                f"{self.agent.name} reads its stream in a task of its own: who comes back for the"
                " next record says that the last one is done, so read it in the agent's own task"
            )
        if self._error is not None:
            await asyncio.sleep(0)
            raise self._error
        if self._given_up:
            return None
        if self._held:
            self._done()
        try:
            return await self._next(most, within)
        except Stopping:
            return None

    def fail(self, error: BaseException) -> None:
        """The stream, or a sink, raised this: the body is not done with what it has in hand,
        whatever it makes of the error."""
        self._error = error

    async def _next(self, most: int, within: float) -> list[Delivery] | None:
        self._handed += 1
        if self._handed % _OTHERS_RUN_EACH == 0:
            await asyncio.sleep(0)
        while not self._ending:
            if self._unread:
                await self._bury_unread()
                continue
            one_by_one = self._alone or self.source.circuit.is_open
            limit = 1 if one_by_one else min(most, self._at_once)
            if self._again:
                some = [self._again.popleft() for _ in range(min(limit, len(self._again)))]
            else:
                if within > 0 or self.partition.empty:
                    context.attach(_NOWHERE)
                    await self.partition.wait(limit, within)
                some = self._open(self.partition.take(limit))
            if some and not self._ending:
                self._hold(some)
                return some
            self._again.extendleft(reversed(some))
        return None

    def _open(self, raws: list[Any]) -> list[Delivery]:
        opened = [self.source.open(raw) for raw in raws]
        some = [each for each in opened if not isinstance(each.record, Exception)]
        if len(some) < len(opened):
            self._unread = [each for each in opened if isinstance(each.record, Exception)]
        return some

    def _hold(self, some: list[Delivery]) -> None:
        self._held = some
        first = [each for each in some if not each.attempts]
        if first:
            self._counting.handed(first, self._stream)
        for each in some:
            each.attempts += 1
        if len(some) == 1:
            process = some[0].span
            current = _NOWHERE if process is None else process.context
        else:
            self._batch = batch = self.source.batch(some)
            current = _NOWHERE if batch is None else set_span_in_context(batch.span, _NOWHERE)
        # Never detached: this task is the body's, and what is current in it is set at each record.
        context.attach(current)
        _current_event.set(cast(Any, some[-1].event))  # Faust calls what stands here

    # -- how it went

    def _done(self) -> None:
        """The effect of what was in hand is durable."""
        held, self._held = self._held, []
        batch, self._batch = self._batch, None
        told = _DONE
        if batch is not None:
            batch.finish()
            told = {**_DONE, **batch.attributes()}
        for each in held:
            each.close(told)
        self.source.circuit.success()
        if not self._alone and len(held) >= self._at_once:
            self._at_once = min(FULL_RECORDS, self._at_once + 1 + self._at_once // 4)
        self._finished(held)

    def _finished(self, some: list[Delivery]) -> None:
        self.partition.finish(*(each.raw.offset for each in some))
        self._counting.finished(some, self._stream)
        self._alone = max(0, self._alone - len(some))
        self._begin_anew()

    def _begin_anew(self) -> None:
        if self._paused:
            self._paused = False
            self._failures = self._passed = 0
            self._pauses = self.agent.policy.pauses()

    async def _failed(self, error: BaseException) -> None:
        """The body raised with these in hand: they are to be tried again, or given up."""
        held, self._held = self._held, []
        self._again.extendleft(reversed(held))
        batch, self._batch = self._batch, None
        if batch is not None:
            batch.finish(error)
        permanent = isinstance(error, PermanentError)
        # What is refused is the body's mistake, and says nothing of the record.
        passing = isinstance(error, Refused) or (not permanent and self.agent.classify(error))
        self._passed += passing
        self._failures += not passing
        final = permanent or self._failures >= self.agent.policy.attempts
        if len(held) > 1:
            if final or self.source.circuit.is_open:
                self._take_alone(held, error)
                return
            if self._passed > 1:  # perhaps it is too much at once, and would fail for ever
                self._at_once = max(1, len(held) // 2)
        elif final and not self.source.circuit.failure(one_line(error)):
            await self.source.bury(held[0], error, self.partition)
            self._again.popleft()
            self._finished(held)
            return
        await self._try_again(error, held[0])

    def _take_alone(self, held: list[Delivery], error: BaseException) -> None:
        self._alone = len(held)
        self._begin_anew()
        _LOG.info(
            "%s: %d records are taken one by one, together they fail: %s",
            self.partition.name,
            len(held),
            one_line(error),
        )

    async def _try_again(self, error: BaseException, delivery: Delivery | None) -> None:
        """Wait for the next try. Raises Stopping."""
        trouble, attempt = self.agent.name, ""
        span: Span = INVALID_SPAN
        if delivery is not None:
            trouble = f"{self.partition.name}@{delivery.raw.offset}"
            attempt = f" attempt {delivery.attempts},"
            span = INVALID_SPAN if delivery.span is None else delivery.span.span
        trouble = f"{trouble} failed: {one_line(error)}"
        pause = next(self._pauses)
        self._paused = True
        with use_span(span, record_exception=False, set_status_on_exception=False):
            _LOG.warning("%s;%s next in %.1f s", trouble, attempt, pause)
        counter("consumer.retries").add(
            1, {"messaging.destination.name": self.source.name, "error.type": type_of(error)}
        )
        await self.partition.pause(pause, trouble)

    async def _bury_unread(self) -> None:
        context.attach(_NOWHERE)
        delivery = self._unread[0]
        await self.source.bury(delivery, delivery.record, self.partition)
        del self._unread[0]
        self.partition.finish(delivery.raw.offset)
