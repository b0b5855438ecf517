"""The topics as values: name, key, records, partitions, settings, and where dead letters go.

Whichever service starts first creates a topic from its value here. To change the settings of a
topic that exists is an operator's work, not a deployment's.
"""

from typing import Any, Final

from contracts.records import BookRecord
from contracts.schema import BookRecordSchema
from delivery.topics import BytesSchema, TopicDescription

_DAY_MS: Final = 24 * 60 * 60 * 1000

# Kept until an operator has dealt with them: an expired dead letter would be a lost record. Larger
# than any record of the broker's default limit (1 MiB), for the story that a dead letter adds.
BOOK_INGESTION_DLQ: Final = TopicDescription[bytes | None](
    name="book_ingestion.dlq",
    key_is="the key of the record as it came, whatever it was",
    partitions=4,
    config={"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": "4194304"},
    schema=BytesSchema(),
)

# Compacted, so that the newest state of every book is always there to rebuild from; not within the
# first week, so that a replay sees each change.
BOOK_INGESTION: Final = TopicDescription[BookRecord](
    name="book_ingestion",
    key_is="the book's id in decimal",
    record_type=BookRecord,
    partitions=4,
    config={"cleanup.policy": "compact", "min.compaction.lag.ms": str(7 * _DAY_MS)},
    schema=BookRecordSchema(),
    dead_letter=BOOK_INGESTION_DLQ,
)

TOPICS: Final[tuple[TopicDescription[Any], ...]] = (BOOK_INGESTION, BOOK_INGESTION_DLQ)
