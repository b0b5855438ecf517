"""Runs a handler on records that were selected, here and in the foreground."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias

from opentelemetry import trace
from opentelemetry.trace import Link

from delivery.kafka.records import Metadata
from delivery.replay.selection import Found
from telemetry.attributes import REPLAYED
from telemetry.kafka import process_span
from telemetry.metrics import counter

NO_GROUP: Final = "replay"
"""In the place of the consumer group's name: who replays is a member of none."""

Handler: TypeAlias = Callable[[Any, Metadata], Awaitable[None]]
"""What applies a record."""

Effect = Callable[[], AbstractAsyncContextManager[Handler]]
"""Gives the handler for one record; its end commits the effect, or rolls it back."""


async def handle(found: Found, effect: Effect) -> None:
    """Run the handler on one record, once, in a process span.

    The span links to the record's send span and to the current one, and says that it is a replay.
    No retry, no dead letter: what the handler raises is raised here, and so is the error of a
    record that cannot be decoded.
    """
    command = Link(trace.get_current_span().get_span_context())
    raw = found.raw
    with process_span(
        raw.topic,
        raw.partition,
        raw.offset,
        raw.key,
        raw.headers,
        group=NO_GROUP,
        body_size=None if raw.value is None else len(raw.value),
        links=(command,),
        attributes={REPLAYED: True},
    ):
        if isinstance(found.record, Exception):
            raise found.record
        async with effect() as handler:
            await handler(found.record, found.metadata)
    counter("consumer.replayed").add(1, {"messaging.destination.name": raw.topic})
