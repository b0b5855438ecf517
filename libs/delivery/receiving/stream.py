"""The stream that an agent's body reads.

It has Faust's words, and one meaning more: whoever asks it for the next record is done with the
last one. What Faust's own stream does behind the reader's back, acknowledging and reading ahead,
this one does not.
"""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Final, Protocol, TypeVar, cast

import faust
from faust.exceptions import Skip
from faust.types import ChannelT, EventT
from mode import Seconds, Service, want_seconds
from mode.utils.futures import maybe_async

from delivery.receiving.source import Delivery, Event
from delivery.refused import Refused

T_co = TypeVar("T_co", covariant=True)
_ELSEWHERE: Final = "send to the other topic in the body, and read that with an agent of its own"


def _wait(within: Seconds | None) -> float:
    """In seconds; None is for as long as it takes."""
    return math.inf if within is None else want_seconds(within)


class Hand(Protocol):
    """Who hands the records over: an actor."""

    async def hand(self, most: int, within: float) -> list[Delivery] | None:
        """At least one and at most ``most``; None at the end."""

    def fail(self, error: BaseException) -> None:
        """This is about to be raised into the body."""


class Stream(faust.Stream[T_co]):
    """The records of one partition, for one run of an agent's body.

    It ends when the partition goes elsewhere, or the worker stops. A batch of ``take`` is done as a
    whole: when the body comes back for the next one. With ``within=0`` a batch is what waits, at
    least one record, without waiting for more.
    """

    def __init__(self, actor: Hand, channel: Any) -> None:
        Service.__init__(self)
        self._actor = actor
        self._processors = []
        self._last: Delivery | None = None
        self.channel = channel
        self.app = channel.app
        self.events_total = 0

    # -- reading

    def __aiter__(self) -> AsyncIterator[T_co]:
        return self

    async def __anext__(self) -> T_co:
        handed = await self._hand(1, 0)
        if handed is None:
            raise StopAsyncIteration
        return cast(T_co, handed[0].value)

    async def events(self) -> AsyncIterator[Event[T_co]]:
        """Record by record as Faust's events, with key, headers and offset."""
        while handed := await self._hand(1, 0):
            yield handed[0].event()

    async def items(self) -> AsyncIterator[tuple[Any, T_co]]:
        """Record by record, as (key, record)."""
        while handed := await self._hand(1, 0):
            yield handed[0].key, cast(T_co, handed[0].value)

    async def take(self, max_: int, within: Seconds | None) -> AsyncGenerator[Sequence[T_co], None]:
        """At most ``max_`` records at once: those that come ``within`` this time after the first,
        with None for as many, however long it takes.

        They are applied in a span of their own that links to each record's; a batch of one in that
        record's. Fewer come at once while larger batches fail.
        """
        while handed := await self._hand(max_, _wait(within)):
            yield [each.value for each in handed]

    async def take_events(
        self, max_: int, within: Seconds | None
    ) -> AsyncGenerator[Sequence[Event[T_co]], None]:
        """``take``, as events."""
        while handed := await self._hand(max_, _wait(within)):
            yield [each.event() for each in handed]

    async def take_with_timestamp(
        self, max_: int, within: Seconds | None, timestamp_field_name: str
    ) -> AsyncGenerator[Sequence[T_co], None]:
        """``take``; a record that is a dict has its time in this field, in seconds since 1970."""
        while handed := await self._hand(max_, _wait(within)):
            for each in handed:
                if isinstance(each.value, dict):
                    each.value[timestamp_field_name] = each.event().message.timestamp
            yield [each.value for each in handed]

    @property
    def current_event(self) -> EventT[Any] | None:
        """The event of what was read last, None before that."""
        return None if self._last is None else self._last.event()

    @current_event.setter
    def current_event(self, event: EventT[Any] | None) -> None:
        raise AttributeError("the stream knows its current event itself")

    def get_active_stream(self) -> "Stream[T_co]":
        """Itself: there are no streams behind it."""
        return self

    get_root_stream = get_active_stream

    # -- what happens to a record on the way to the body

    def echo(self, *channels: str | ChannelT[Any]) -> "Stream[T_co]":
        """Send each record on to these, and wait until they have it, before the body sees it."""
        targets = [self.app.topic(each) if isinstance(each, str) else each for each in channels]

        async def echoing(value: Any) -> Any:
            for target in targets:
                await (await target.send(value=value))
            return value

        self.add_processor(echoing)
        return self

    async def _hand(self, most: int, within: float) -> list[Delivery] | None:
        while True:
            handed = await self._actor.hand(most, within)
            if handed is not None and self._processors:
                handed = await self._processed(handed)
                if not handed:
                    continue  # all were filtered out, and so are done
            if handed is not None:
                self._last = handed[-1]
                self.events_total += len(handed)
            return handed

    async def _processed(self, handed: list[Delivery]) -> list[Delivery]:
        kept = []
        for each in handed:
            value = each.record
            try:
                for processor in self._processors:
                    value = await maybe_async(processor(value))
            except Skip:
                continue
            except BaseException as error:
                self._actor.fail(error)
                raise
            each.value = value
            kept.append(each)
        return kept

    # -- what would break the promise

    def noack(self) -> Any:
        """Refused."""
        raise Refused(
            "stream.noack(): a record is acknowledged when the body comes back for the next one;"
            " read the stream as it is, with take() for several at once"
        )

    def noack_take(self, max_: int, within: Seconds | None) -> Any:
        """Refused."""
        raise Refused("stream.noack_take(): use take(), which acknowledges a batch when it is done")

    async def ack(self, event: EventT[Any]) -> bool:
        """Refused."""
        raise Refused("stream.ack(): come back for the next record, which acknowledges the last")

    def group_by(self, key: Any, **_: Any) -> Any:
        """Refused."""
        raise Refused(f"stream.group_by(): {_ELSEWHERE}")

    def through(self, channel: Any) -> Any:
        """Refused."""
        raise Refused(f"stream.through(): {_ELSEWHERE}")

    def combine(self, *nodes: Any, **_: Any) -> Any:
        """Refused; so are joins."""
        raise Refused("joins of streams: keep what is to be joined in the database, and look it up")

    def _join(self, join_strategy: Any) -> Any:
        return self.combine()

    def clone(self, **_: Any) -> Any:
        """Refused."""
        raise Refused("stream.clone(): an agent's stream has one reader, its body")

    async def throw(self, exc: BaseException) -> None:
        """Refused."""
        raise Refused("stream.throw(): raise in the agent's body, and the record is tried again")
