"""What a record does here: the book's entry in the read model, if the record is the newest.

Applying a record twice, or an older one later, changes nothing; so at-least-once delivery has its
effect exactly once, and no table of seen event ids is needed.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from backend.catalogue import catalogue
from backend.ingestion.ignored import Applied, IgnoredChanges
from backend.ingestion.upsert import upsert
from contracts.records import BookRecord, BookRemoved
from delivery.postgres.queries import Prepared
from telemetry.kafka import extract

logger = logging.getLogger(__name__)


class Origin(Protocol):
    """Where a record came from: a message of Faust's is one."""

    @property
    def headers(self) -> Any:
        """As they were sent, names and bytes."""


Delivery = tuple[BookRecord, Origin]


class Ingestion:
    """Applies records. ``pool`` is asked at each call, for a pool or a connection: the handler is
    built before a pool is open. ``statement`` is a form of ``upsert.upsert``. ``ignored`` is told
    what was not applied.

    Raises what asyncpg raises; which of it passes is the caller's to tell.
    """

    def __init__(
        self,
        pool: Callable[[], Any],
        statement: Prepared | None = None,
        ignored: IgnoredChanges | None = None,
    ) -> None:
        self._pool = pool
        self._statement = statement or upsert()
        self._ignored = ignored

    async def handle(self, record: BookRecord, origin: Origin) -> None:
        """Apply one record."""
        await self.handle_many([(record, origin)])

    async def handle_many(self, batch: Sequence[Delivery]) -> None:
        """Apply a batch in one statement: all of it, or nothing."""
        newest = newest_of_each(batch)
        rows = [values_of(*each) for each in newest]
        applied = await self._statement.count(self._pool(), rows=rows)
        if self._ignored is not None and (
            suspects := _suspects(batch, newest, all_applied=applied == len(newest))
        ):
            await self._ignored.check(suspects)
        # A line a statement, not a record: under load the lines would cost more than the effects.
        if len(batch) == 1:
            logger.info("ingested book %d at sequence %d", rows[0][0], batch[0][0].sequence)
        else:
            logger.info("ingested %d records of %d books", len(batch), len(rows))


def newest_of_each(batch: Iterable[Delivery]) -> list[Delivery]:
    """For each book of the batch its record with the highest sequence, by book id.

    By id, so that two statements which touch the same rows lock them in the same order.
    """
    newest: dict[int, Delivery] = {}
    for delivery in batch:
        record = delivery[0]
        known = newest.get(record.book.id)
        if known is None or known[0].sequence < record.sequence:
            newest[record.book.id] = delivery
    return [newest[book_id] for book_id in sorted(newest)]


def _suspects(
    batch: Sequence[Delivery], newest: Sequence[Delivery], *, all_applied: bool
) -> list[BookRecord]:
    """Those that were not applied and need not be repeats. None, nearly always."""
    if not all_applied:
        return [record for record, _ in batch]
    if len(newest) == len(batch):
        return []
    applied = {record.book.id: Applied.of(record) for record, _ in newest}
    return [record for record, _ in batch if applied[record.book.id].is_in_the_way_of(record)]


def values_of(record: BookRecord, origin: Origin) -> tuple[Any, ...]:
    """The record's row, as ``upsert.upsert`` takes it."""
    book = record.book
    entry = catalogue(book.author, book.title)
    cause = extract(origin.headers)
    return (
        book.id,
        book.title,
        book.author,
        book.status.value,
        entry.shelf_mark,
        entry.author_sort,
        entry.title_sort,
        record.sequence,
        record.event_id,
        record.occurred_at,
        isinstance(record, BookRemoved),
        None if cause is None else f"{cause.trace_id:032x}",
    )
