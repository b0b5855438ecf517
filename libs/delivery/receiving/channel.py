"""An agent on ``app.channel()``: its records come from this process and not from Kafka.

It has the same actor, and so the same retries; but nothing in a channel is durable, nothing is
decoded, and there are no dead letters.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from faust.types import TP

from delivery.receiving.actor import Actor, Body
from delivery.receiving.counting import Counting
from delivery.receiving.partition import Partition
from delivery.receiving.retry import Circuit, RetryPolicy
from delivery.receiving.source import Delivery, Event

_LOG: Final = logging.getLogger(__name__)
_WAIT_FOR_ROOM_S: Final = 0.05


class Parcel:
    """What came through a channel, numbered as if it were a partition's."""

    __slots__ = ("event", "offset")
    value = None

    def __init__(self, offset: int, event: Event[Any]) -> None:
        self.offset = offset
        self.event = event


class ChannelSource:
    """A channel in this process: nothing is durable in it, and nothing is decoded."""

    def __init__(self, channel: Any, name: str, policy: RetryPolicy) -> None:
        self.name = name
        self.channel = channel
        self.circuit = Circuit(name, policy.circuit_threshold)

    def open(self, raw: Parcel) -> Delivery:
        """The event as it was put into the channel."""
        return Delivery(None, raw, raw.event.key, raw.event.value, event=raw.event)

    def batch(self, some: Sequence[Delivery]) -> None:
        """No span: whoever sent it is in this process, and has one."""

    async def bury(self, delivery: Delivery, error: BaseException, partition: Partition) -> None:
        """A channel has no dead letters: the log has the error, and the agent goes on."""
        _LOG.error("%s: given up after %d attempts", self.name, delivery.attempts, exc_info=error)


class ChannelActor:
    """An agent's body on a channel: what comes in is handed over as from a partition."""

    def __init__(self, agent: Body, app: Any, channel: Any) -> None:
        source = ChannelSource(channel, agent.name, agent.policy)
        counting = Counting(app, TP(agent.name, 0), agent.name, counts_messages=True)
        self.actor = Actor(agent, source, Partition(agent.name), counting)
        self._channel = aiter(channel)
        self._feeding = asyncio.create_task(self._feed(), name=f"channel of {agent.name}")

    async def _feed(self) -> None:
        offset = 0
        async for event in self._channel:
            while self.actor.partition.full:  # noqa: ASYNC110 - rare, and said nowhere
                await asyncio.sleep(_WAIT_FOR_ROOM_S)
            self.actor.partition.feed([Parcel(offset, event)])
            offset += 1

    async def stop(self, seconds: float) -> None:
        """As the actor's; what waits in the channel is gone."""
        self._feeding.cancel()
        await asyncio.wait({self._feeding})
        await self.actor.stop(seconds)
