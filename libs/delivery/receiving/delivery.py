"""A record on its way through an agent: what was fetched, what it says, and its span."""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import faust
from faust.types import TP, Message

from telemetry.attributes import ATTEMPTS
from telemetry.kafka import ProcessSpan
from telemetry.spans import put_attributes

T = TypeVar("T")
_NOT_FINISHED: Final[Mapping[str, str]] = {}


class Event(faust.Event, Generic[T]):
    """Faust's event, which knows the type of its record."""

    value: T


class Delivery:
    """One record for one agent. ``record`` is the error when it cannot be decoded; ``value`` is
    what the stream's processors made of it. ``span`` is None once it has ended, or where there is
    none (a channel's)."""

    __slots__ = ("_app", "_event", "attempts", "key", "raw", "record", "span", "value")

    def __init__(
        self,
        app: Any,
        raw: Any,
        key: Any,
        record: Any,
        span: ProcessSpan | None = None,
        event: Event[Any] | None = None,
    ) -> None:
        self._app = app
        self._event = event
        self.raw = raw
        self.key = key
        self.record = record
        self.value = record
        self.span = span
        self.attempts = 0

    def event(self) -> Event[Any]:
        """As Faust shows a record; made when somebody asks. ``event.headers`` is a dict, in which
        the last of equal names stays; ``event.message.headers`` has them all, as they were sent."""
        if self._event is None:
            raw = self.raw
            message = Message(
                raw.topic,
                raw.partition,
                raw.offset,
                timestamp=raw.timestamp / 1000,
                timestamp_type=raw.timestamp_type,
                headers=raw.headers,
                key=raw.key,
                value=raw.value,
                checksum=None,
                tp=TP(raw.topic, raw.partition),
            )
            self._event = Event(self._app, self.key, self.record, raw.headers, message)
        return self._event

    def close(
        self, told: Mapping[str, str] = _NOT_FINISHED, error: BaseException | None = None
    ) -> None:
        """End the record's span, unless that was done; without an outcome it is delivered again."""
        process, self.span = self.span, None
        if process is not None:
            put_attributes(process.span, {ATTEMPTS: self.attempts, **told})
            process.finish(error)
