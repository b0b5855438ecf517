"""An agent alone, for a unit test: ``async with agent.test_context() as alone: ...``.

As in Faust's guide: ``event = await alone.put(record)`` gives the body one record and waits until
it is done with it; then ``alone.results[event.message.offset]`` is what the body yielded for it, or
the record where it yields nothing. What the body raises, ``put`` raises, at once: nothing is tried
again. There is no Kafka, nothing is encoded or decoded, and sinks are called.
"""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import faust
from faust.types import TP, Message

from delivery.receiving.actor import Actor
from delivery.receiving.channel import ChannelSource, Parcel
from delivery.receiving.counting import Counting
from delivery.receiving.partition import FULL_RECORDS, Partition
from delivery.receiving.source import Delivery, Event


class AgentUnderTest:
    """What ``test_context`` gives; see the module."""

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.results: dict[int, Any] = {}
        self._next = 0
        self._actor: _Actor = None  # type: ignore[assignment]  # made on entry

    async def __aenter__(self) -> Self:
        agent = self.agent
        source = ChannelSource(agent.channel, agent.name, agent.policy)
        counting = Counting(agent.app, TP(agent.name, 0), agent.name, counts_messages=True)
        body = _Recording(agent, self.results)
        self._actor = _Actor(body, source, Partition(agent.name), counting)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._actor.stop(1)

    async def put(
        self,
        value: Any = None,
        key: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: Mapping[str, Any] | list[tuple[str, bytes]] | None = None,
        *,
        wait: bool = True,
    ) -> Event[Any]:
        """Give the body a record, and ``wait`` until it is done with it. Raises what it raises."""
        offset, self._next = self._next, self._next + 1
        topic = getattr(self.agent.channel, "topics", None) or (self.agent.name,)
        at = time.time() if timestamp is None else timestamp
        message = Message(
            topic[0], partition or 0, offset, at, 0, headers, key=key, value=value, checksum=None
        )
        event: Event[Any] = Event(self.agent.app, key, value, headers, message)
        done = self._actor.expect(offset)
        self._actor.partition.feed([Parcel(offset, event)])
        if wait:
            await done
        return event


class _Recording:
    """The agent, with its results kept."""

    def __init__(self, agent: Any, results: dict[int, Any]) -> None:
        self._agent = agent
        self.results = results
        self.name = agent.name
        self.policy = agent.policy
        self.classify = agent.classify

    def begin(self, stream: Any) -> Any:
        return self._agent.begin(stream)

    async def sink(self, result: Any) -> None:
        event = faust.current_event()
        assert event is not None
        self.results[event.message.offset] = result
        await self._agent.sink(result)


class _Actor(Actor):
    """Tells who waits for a record that it is done, or what the body raised at it."""

    agent: _Recording

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._expected: dict[int, asyncio.Future[None]] = {}

    def expect(self, offset: int) -> "asyncio.Future[None]":
        """Done when the record is; raises what the body raised."""
        future = self._expected[offset] = asyncio.get_running_loop().create_future()
        return future

    def _finished(self, some: list[Delivery]) -> None:
        super()._finished(some)
        for each in some:
            self.agent.results.setdefault(each.raw.offset, each.value)
            future = self._expected.pop(each.raw.offset)
            if not future.done():
                future.set_result(None)

    async def _failed(self, error: BaseException) -> None:
        await self._try_again(error, None)

    async def _try_again(self, error: BaseException, delivery: Delivery | None) -> None:
        """Not at all: whoever waits for anything is told, and the next record meets a new body."""
        if not self._held:  # it raised before it asked for a record
            await self.partition.wait(1, 0)
        for delivery in self._held:
            self.partition.finish(delivery.raw.offset)
        self._held = []
        for raw in self.partition.take(FULL_RECORDS):
            self.partition.finish(raw.offset)
        for future in self._expected.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # who does not wait need not ask
        self._expected.clear()
