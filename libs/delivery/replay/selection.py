"""Which records of a topic an operator means."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from aiokafka import ConsumerRecord

from delivery.kafka.records import Metadata, metadata_of
from telemetry.kafka import extract

UNDECODABLE: Final = "undecodable"
"""The type of a record whose bytes are none."""

Decode = Callable[[bytes | None, bytes | None], Any]
"""From key and value to a record. What it raises makes the record undecodable."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """A record is selected when it is all of what is given here; nothing given selects every one.

    Of each collection one member is enough; an empty one says nothing. ``partitions`` that do not
    exist are an error of the reader's. Offsets are inclusive; ``since`` is inclusive and ``until``
    is not. ``traces`` are trace ids of the requests that caused the records. ``limit`` takes the
    first so many, in the order of reading: partition by partition, by offset, so that the same
    selection gives the same records each time.
    """

    partitions: frozenset[int] = frozenset()
    first_offset: int = 0
    last_offset: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    keys: frozenset[bytes] = frozenset()
    traces: frozenset[int] = frozenset()
    types: frozenset[str] = frozenset()
    limit: int | None = None


class Found(msgspec.Struct, frozen=True):
    """A selected record. ``record`` is the error when it cannot be decoded."""

    raw: ConsumerRecord
    metadata: Metadata
    record: Any
    type: str

    @property
    def trace_id(self) -> str | None:
        """The trace of the request that caused the record, in hex; None when it carries none."""
        sender = extract(self.raw.headers)
        return None if sender is None else f"{sender.trace_id:032x}"


def type_of_record(record: Any) -> str:
    """A Struct's tag, where it has one; the name of the class; or ``undecodable``."""
    if isinstance(record, Exception):
        return UNDECODABLE
    tag = record.__struct_config__.tag if isinstance(record, msgspec.Struct) else None
    return str(tag) if tag is not None else type(record).__name__


async def select(
    batches: AsyncIterator[list[ConsumerRecord]], selection: Selection, decode: Decode
) -> AsyncIterator[Found]:
    """The selected ones of these records, in their order, each decoded; ends at the limit."""
    left = selection.limit
    async for batch in batches:
        for raw in batch:
            found = _match(raw, selection, decode)
            if found is None:
                continue
            if left is not None:
                if left == 0:
                    return
                left -= 1
            yield found
        if left == 0:
            return


def _match(raw: ConsumerRecord, selection: Selection, decode: Decode) -> Found | None:
    """The cheap questions first."""
    if selection.keys and raw.key not in selection.keys:
        return None
    metadata = metadata_of(raw)
    if selection.since is not None and metadata.timestamp < selection.since:
        return None
    if selection.until is not None and metadata.timestamp >= selection.until:
        return None
    if selection.traces:
        sender = extract(raw.headers)
        if sender is None or sender.trace_id not in selection.traces:
            return None
    try:
        record = decode(raw.key, raw.value)
    except Exception as error:  # noqa: BLE001 - a decoder may raise anything on wrong bytes
        record = error
    kind = type_of_record(record)
    if selection.types and kind not in selection.types:
        return None
    return Found(raw, metadata, record, kind)
