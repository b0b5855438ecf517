"""The way back after bookapp's database has gone back in time: ids and sequences above the topic's.

A database that was restored from a backup gives ids and sequences a second time, which the topic
and every read model have seen; what is changed there is taken for a repeat. Here the topic is read,
and each book that differs is published once more, above it: the database is right. A book that the
topic knows and the database does not is published as removed. On a database that was not restored
this changes nothing.
"""

from collections.abc import Mapping, Sequence

import msgspec

from bookapp.books import records
from bookapp.books.tables import Book as BookTable
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


async def lift(engine: Engine, outbox: Outbox, newest: Mapping[int, BookRecord]) -> Lifted:
    """Bring ids and sequences above these records', each the newest of its book, and publish what
    differs."""
    done = Lifted()
    if not newest:
        return done
    await raise_ids(BookTable.id, max(newest))
    records = [newest[book_id] for book_id in sorted(newest)]
    for start in range(0, len(records), _TOGETHER):
        some = await _lift(engine, outbox, records[start : start + _TOGETHER])
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
