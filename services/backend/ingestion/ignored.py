"""Changes that are ignored and should not have been: they are found, counted and listed.

A record whose sequence is not higher than the read model's is ignored, as a repeat. It is none when
it is another event than the one that was applied at that sequence, or happened after the one that
was applied: then bookapp's database has gone back to an earlier state (a backup was restored) and
gives numbers a second time, and whatever is changed there is lost here until its sequences are
above the topic's again.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from backend.ingestion.tables import Book, IgnoredChange
from contracts.records import BookRecord
from telemetry.metrics import counter

logger = logging.getLogger(__name__)

LISTED: Final = """
    SELECT i.*, b.event_id = i.applied_event_id AS open
    FROM {ignored} AS i JOIN {book} AS b USING (book_id)
    WHERE $1 OR b.event_id = i.applied_event_id
    ORDER BY i.seen_at, i.book_id, i.sequence LIMIT $2
"""
# A redelivery is listed once, and counted once.
_LIST: Final = """
    INSERT INTO {ignored}
        (event_id, book_id, sequence, occurred_at, applied_event_id, applied_sequence)
    SELECT change.event_id, change.book_id, change.sequence, change.occurred_at,
           book.event_id, book.sequence
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
         AS change (event_id, book_id, sequence, occurred_at)
    JOIN {book} AS book USING (book_id)
    WHERE change.event_id <> book.event_id AND (
        change.sequence = book.sequence
        OR change.sequence < book.sequence AND change.occurred_at > book.occurred_at)
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, book_id, sequence, applied_event_id, applied_sequence
"""


def named(statement: str) -> str:
    """With the tables' names, in the schema of the service's settings."""
    return statement.format(
        ignored=IgnoredChange._meta.get_formatted_tablename(),
        book=Book._meta.get_formatted_tablename(),
    )


def is_no_repeat(record: BookRecord, applied: BookRecord) -> bool:
    """Whether a record that is ignored, since ``applied`` has a sequence as high, is another
    change than those that led to ``applied``."""
    return record.event_id != applied.event_id and (
        record.sequence == applied.sequence or record.occurred_at > applied.occurred_at
    )


class IgnoredChanges:
    """Keeps the list. ``pool`` is asked at each call, for a pool or a connection."""

    def __init__(self, pool: Callable[[], Any]) -> None:
        self._pool = pool
        self._said = False
        counter("read_model.ignored_changes").add(0)

    async def check(self, records: Sequence[BookRecord]) -> None:
        """List those of these records that the read model has ignored and that are no repeats."""
        found = await self._pool().fetch(
            named(_LIST),
            [record.event_id for record in records],
            [record.book.id for record in records],
            [record.sequence for record in records],
            [record.occurred_at for record in records],
        )
        if not found:
            return
        counter("read_model.ignored_changes").add(len(found))
        if not self._said:
            self._said = True
            logger.error(
                "changes are ignored that are no repeats: event %s of book %d has sequence %d, and"
                " event %s was applied at %d. Was bookapp's database restored from a backup? See"
                " docs/operations.md, and `faust -A backend.app ignored` for all of them",
                *found[0].values(),
            )
