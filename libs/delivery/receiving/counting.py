"""Tells Faust's sensors what agents and the group do, and the worker's monitor in lists.

Faust calls each sensor four times for each record. The monitor, which is always there, is told the
same once for each list of them; other sensors are called as Faust calls them.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from faust.sensors import Monitor
from faust.types import TP

from delivery.receiving.source import Delivery

_LOG: Final = logging.getLogger(__name__)


class Counting:
    """For one actor. ``counts_messages`` is true of one agent of each topic: a message that several
    agents have is one message."""

    def __init__(self, app: Any, tp: TP, agent: str, counts_messages: bool) -> None:
        sensors = list(app.sensors)
        self._monitors = [each for each in sensors if type(each) is Monitor]
        self._others = [each for each in sensors if type(each) is not Monitor]
        self._tp = tp
        self._agent = agent
        self._stream = f"Stream: Topic: {tp.topic}"
        self._counts_messages = counts_messages
        self._states: dict[int, list[Any]] = {}
        self._since = 0.0

    def handed(self, some: Sequence[Delivery], stream: Any) -> None:
        """These were handed to the agent's body for the first time."""
        self._since = time.monotonic()
        count = len(some)
        for monitor in self._monitors:
            if self._counts_messages:
                monitor.messages_received_total += count
                monitor.messages_active += count
                monitor.messages_received_by_topic[self._tp.topic] += count
                monitor.tp_read_offsets[self._tp] = some[-1].raw.offset
            monitor.events_total += count
            monitor.events_active += count
            monitor.events_by_stream[self._stream] += count
            monitor.events_by_task[self._agent] += count
            monitor.stream_inbound_time[self._tp] = self._since
        if self._others:
            for each in some:
                offset, event = each.raw.offset, each.event()
                states = self._states[offset] = []
                for sensor in self._others:
                    if self._counts_messages:
                        sensor.on_message_in(self._tp, offset, event.message)
                    states.append(sensor.on_stream_event_in(self._tp, offset, stream, event))

    def finished(self, some: Sequence[Delivery], stream: Any) -> None:
        """These came to their end: their effect, or their dead letter, is durable."""
        count = len(some)
        for monitor in self._monitors:
            if self._counts_messages:
                monitor.messages_active -= count
            monitor.events_active -= count
            monitor.events_runtime.append(time.monotonic() - self._since)
        if self._others:
            for each in some:
                offset, event = each.raw.offset, each.event()
                states = self._states.pop(offset, [None] * len(self._others))
                for sensor, state in zip(self._others, states, strict=True):
                    sensor.on_stream_event_out(self._tp, offset, stream, event, state)
                    if self._counts_messages:
                        sensor.on_message_out(self._tp, offset, event.message)


class GroupCounting:
    """For the consumer: rebalances and commits. What a sensor raises keeps nobody from either."""

    def __init__(self, app: Any, consumer: Any) -> None:
        self._app = app
        self._consumer = consumer
        self._state: Any = None

    def rebalance_begins(self) -> None:
        """Partitions are being given up, or there are none yet."""
        if not self._app.rebalancing:
            self._app.rebalancing = True
            self._app.rebalancing_count += 1
            self._state = _tell(self._app.sensors.on_rebalance_start, self._app)

    def rebalance_ends(self) -> None:
        """Partitions have been assigned, and the bodies run."""
        if self._app.rebalancing:
            self._app.rebalancing = False
            _tell(self._app.sensors.on_rebalance_return, self._app, self._state)
            _tell(self._app.sensors.on_rebalance_end, self._app, self._state)

    def commit_begins(self) -> Any:
        """What ``committed`` is to be given."""
        return _tell(self._app.sensors.on_commit_initiated, self._consumer)

    def committed(self, offsets: Mapping[Any, int], state: Any) -> None:
        """The broker has these offsets."""
        _tell(self._app.sensors.on_commit_completed, self._consumer, state)
        self._app.monitor.on_tp_commit({TP(*tp): offset for tp, offset in offsets.items()})

    def end_of(self, tp: Any, offset: int) -> None:
        """The broker's next offset of a partition."""
        self._app.monitor.track_tp_end_offset(TP(*tp), offset)


def _tell(sensor: Callable[..., Any], *about: Any) -> Any:
    try:
        return sensor(*about)
    except Exception:  # noqa: BLE001 - anything, and no reason to keep the group waiting
        _LOG.exception("a sensor failed")
