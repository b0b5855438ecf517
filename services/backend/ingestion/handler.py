"""What a record does here: the book's entry in the read model, if the record is the newest.

Applying a record twice, or an older one later, changes nothing; so at-least-once delivery has its
effect exactly once, and no table of seen event ids is needed.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from backend.catalogue import catalogue
from backend.ingestion.upsert import upsert
from contracts.records import BookRecord, BookRemoved
from delivery.kafka.records import Metadata
from telemetry.kafka import extract

_UPSERT: Final = upsert()

logger = logging.getLogger(__name__)

Delivery = tuple[BookRecord, Metadata]


class Ingestion:
    """Applies records. ``pool`` is asked at each call, for a pool or a connection: the handler is
    built before a pool is open. ``statement`` is a form of ``upsert.upsert``.

    Raises what asyncpg raises; which of it passes is the caller's to tell.
    """

    def __init__(self, pool: Callable[[], Any], statement: str = _UPSERT) -> None:
        self._pool = pool
        self._statement = statement

    async def handle(self, record: BookRecord, metadata: Metadata) -> None:
        """Apply one record."""
        await self.handle_many([(record, metadata)])

    async def handle_many(self, batch: Sequence[Delivery]) -> None:
        """Apply a batch in one statement: all of it, or nothing."""
        rows = [_row(*newest) for newest in newest_of_each(batch)]
        # One array per column.
        await self._pool().execute(self._statement, *map(list, zip(*rows, strict=True)))
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


def _row(record: BookRecord, metadata: Metadata) -> tuple[Any, ...]:
    """The record's values in the order of ``upsert.COLUMNS``."""
    book = record.book
    entry = catalogue(book.author, book.title)
    cause = extract(metadata.headers)
    return (
        book.id,
        book.title,
        book.author,
        book.status.value,
        entry.shelf_mark,
        entry.author_sort,
        entry.title_sort,
        record.sequence,
        isinstance(record, BookRemoved),
        None if cause is None else f"{cause.trace_id:032x}",
    )
