"""The way back after bookapp's database has gone back in time: ids and sequences above the topic's.

A database that was restored from a backup gives ids and sequences a second time, which the topic
and every read model have seen; what is changed there is taken for a repeat. Here the topic is read,
and each book that differs is published once more, above it: the database is right. A book that the
topic knows and the database does not is published as removed. On a database that was not restored
this changes nothing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
from aiokafka import ConsumerRecord

from bookapp.books import records
from bookapp.books.tables import Book as BookTable
from contracts.codec import DecodeError, decode
from contracts.records import Book, BookRecord, BookRemoved
from contracts.topics import BOOK_INGESTION
from delivery.postgres import Engine, retry_conflicts
from delivery.postgres.queries import raise_ids
from delivery.sending.outbox import Outbox

_TOGETHER = 500


class Lifted(msgspec.Struct):
    """What was done: books published once more, and books published as removed."""

    changed: int = 0
    removed: int = 0


async def newest_of_each(batches: AsyncIterator[list[ConsumerRecord]]) -> dict[int, BookRecord]:
    """Each book's record with the highest sequence; of several, the one that came first, which is
    the one that was applied."""
    newest: dict[int, BookRecord] = {}
    async for batch in batches:
        for raw in batch:
            try:
                record = decode(raw.key, raw.value)
            except DecodeError:  # in no read model either
                continue
            known = newest.get(record.book.id)
            if known is None or known.sequence < record.sequence:
                newest[record.book.id] = record
    return newest


async def lift(engine: Engine, outbox: Outbox, newest: Mapping[int, BookRecord]) -> Lifted:
    """Bring ids and sequences above these records', and publish what differs."""
    done = Lifted()
    if not newest:
        return done
    await raise_ids(BookTable.id, max(newest))
    ids = sorted(newest)
    for start in range(0, len(ids), _TOGETHER):
        some = await _lift(
            engine, outbox, [newest[book_id] for book_id in ids[start : start + _TOGETHER]]
        )
        done.changed += some.changed
        done.removed += some.removed
    return done


@retry_conflicts
async def _lift(engine: Engine, outbox: Outbox, some: Sequence[BookRecord]) -> Lifted:
    done = Lifted()
    ids = [record.book.id for record in some]
    async with engine.transaction():
        found = (
            await BookTable.select()
            .where(BookTable.id.is_in(ids))
            .order_by(BookTable.id)
            .lock_rows("UPDATE")
        )
        rows = {row["id"]: row for row in found}
        for record in some:
            above = record.sequence + 1
            row = rows.get(record.book.id)
            if row is None:
                if not isinstance(record, BookRemoved):
                    await outbox.add(BOOK_INGESTION, records.removed(record.book, above))
                    done.removed += 1
                continue
            book = msgspec.convert(row, Book)
            told = not isinstance(record, BookRemoved) and record.book == book
            if row["sequence"] > record.sequence or (row["sequence"] == record.sequence and told):
                continue
            await BookTable.update({BookTable.sequence: above}).where(BookTable.id == book.id)
            await outbox.add(BOOK_INGESTION, records.updated(book, above))
            done.changed += 1
    return done
