"""Changes that are ignored and should not be: they are found, counted and listed.

A record whose sequence is not higher than the read model's is ignored, as a repeat. It is none when
it is another event than the one that was applied at that sequence, or happened after the one that
was applied: then bookapp's database has gone back to an earlier state (a backup was restored) and
gives numbers a second time, and whatever is changed there is lost here until its sequences are
above the topic's again.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.ingestion.tables import Book, IgnoredChange
from contracts.records import BookRecord
from delivery.postgres.queries import Given, InsertRows, Prepared, any_of
from telemetry.metrics import counter

logger = logging.getLogger(__name__)

_APPLIED: Final = Prepared(
    Book.select(Book.book_id, Book.event_id, Book.sequence, Book.occurred_at).where(
        any_of(Book.book_id, Given("book_ids")), Book.event_id.is_not_null()
    )
)
_COLUMNS: Final = (
    *(IgnoredChange.event_id, IgnoredChange.book_id),
    *(IgnoredChange.sequence, IgnoredChange.occurred_at),
    *(IgnoredChange.applied_event_id, IgnoredChange.applied_sequence),
)


class Applied(msgspec.Struct, frozen=True):
    """What a book's row in the read model was written by."""

    event_id: UUID
    sequence: int
    occurred_at: dt.datetime

    @classmethod
    def of(cls, record: BookRecord) -> "Applied":
        """A record that has been applied."""
        return cls(record.event_id, record.sequence, record.occurred_at)

    def is_in_the_way_of(self, record: BookRecord) -> bool:
        """Whether a record is ignored because of this, and is no repeat: another change than those
        that led to this."""
        return record.event_id != self.event_id and (
            record.sequence == self.sequence
            or (record.sequence < self.sequence and record.occurred_at > self.occurred_at)
        )


class IgnoredChanges:
    """Keeps the list."""

    def __init__(self) -> None:
        self._said = False
        counter("read_model.ignored_changes").add(0)

    async def check(self, records: Sequence[BookRecord]) -> None:
        """List those of these records that the read model has ignored and that are no repeats."""
        rows = await _APPLIED(book_ids=[record.book.id for record in records])
        applied = {row.pop("book_id"): msgspec.convert(row, Applied) for row in rows}
        found = [
            (
                *(record.event_id, record.book.id, record.sequence, record.occurred_at),
                *(by.event_id, by.sequence),
            )
            for record in records
            if (by := applied.get(record.book.id)) and by.is_in_the_way_of(record)
        ]
        if found:
            await self._list(found)

    async def _list(self, found: Sequence[tuple[Any, ...]]) -> None:
        """A redelivery is listed once, and counted once."""
        new = (
            await InsertRows(IgnoredChange, _COLUMNS, found)
            .on_conflict(IgnoredChange.event_id, "DO NOTHING")
            .returning(*_COLUMNS)
        )
        counter("read_model.ignored_changes").add(len(new))
        if new and not self._said:
            self._said = True
            logger.error(
                "changes are ignored that are no repeats: event %(event_id)s of book %(book_id)d"
                " has sequence %(sequence)d, and event %(applied_event_id)s was applied at"
                " %(applied_sequence)d. Was bookapp's database restored from a backup? See"
                " docs/operations.md, and `faust -A backend.app ignored` for all of them",
                new[0],
            )


async def listed(limit: int, *, over: bool) -> list[dict[str, Any]]:
    """The first changes that were ignored in error; those that are over with ``over`` only.

    Each row has what ``IgnoredChange`` has, and ``open``: whether its book has no newer state yet.
    """
    query = IgnoredChange.select().order_by(
        IgnoredChange.seen_at, IgnoredChange.book_id, IgnoredChange.sequence
    )
    if not over:
        in_the_way = Book.select(Book.event_id).where(Book.book_id == IgnoredChange.book_id)
        query = query.where(IgnoredChange.applied_event_id.is_in(in_the_way))
    rows = await query.limit(limit)
    now = await _APPLIED(book_ids=[row["book_id"] for row in rows])
    newest = {row["book_id"]: row["event_id"] for row in now}
    return [row | {"open": newest.get(row["book_id"]) == row["applied_event_id"]} for row in rows]
