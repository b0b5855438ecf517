"""The topics as values: name, key, records, partitions, settings, and where dead letters go.

Whichever service starts first creates a topic from its value here. To change the settings of a
topic that exists is an operator's work, not a deployment's.
"""

from collections.abc import Mapping
from typing import Any, Final

import faust
import msgspec

from contracts.records import BookRecord
from contracts.schema import RecordSchema

_DAY_MS: Final = 24 * 60 * 60 * 1000


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic's name and everything a client or a broker must know of it.

    ``record_type`` is a union of Structs, or None where the bytes are somebody else's.
    ``config`` is the broker's topic configuration, values as Kafka writes them.
    """

    name: str
    key: str
    record_type: Any
    partitions: int
    config: Mapping[str, str]
    schema: faust.Schema[Any, Any]
    dead_letter: "Topic | None" = None


# Kept until an operator has dealt with them: an expired dead letter would be a lost record. Larger
# than any record of the broker's default limit (1 MiB), for the story that a dead letter adds.
BOOK_INGESTION_DLQ: Final = Topic(
    name="book_ingestion.dlq",
    key="the key of the record as it came, whatever it was",
    record_type=None,
    partitions=4,
    config={"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": "4194304"},
    schema=faust.Schema(key_serializer="raw", value_serializer="raw", allow_empty=True),
)

# Compacted, so that the newest state of every book is always there to rebuild from; not within the
# first week, so that a replay sees each change.
BOOK_INGESTION: Final = Topic(
    name="book_ingestion",
    key="the book's id in decimal",
    record_type=BookRecord,
    partitions=4,
    config={"cleanup.policy": "compact", "min.compaction.lag.ms": str(7 * _DAY_MS)},
    schema=RecordSchema(),
    dead_letter=BOOK_INGESTION_DLQ,
)

TOPICS: Final = (BOOK_INGESTION, BOOK_INGESTION_DLQ)
