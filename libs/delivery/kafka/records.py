"""Where a record came from."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from aiokafka import ConsumerRecord

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """Where a record came from. ``headers`` are as they were sent, repeated names and all."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    timestamp: datetime
    headers: tuple[tuple[str, bytes | None], ...]


def metadata_of(raw: ConsumerRecord) -> Metadata:
    """The metadata of a record as aiokafka gives it; a timestamp that is no time reads as 1970."""
    try:
        timestamp = datetime.fromtimestamp(raw.timestamp / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        timestamp = _EPOCH
    return Metadata(raw.topic, raw.partition, raw.offset, raw.key, timestamp, tuple(raw.headers))
