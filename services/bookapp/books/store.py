"""The books in PostgreSQL, and the promise that no change goes unpublished.

Every change is one transaction with its record in the outbox; when a method returns, both have
committed. Changes of one book are written under its row's lock: the records of a book stand in the
outbox in the order of their sequences. Errors of PostgreSQL pass through (see
``delivery.postgres.is_database_away``).
"""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import msgspec
from asyncpg.pool import Pool

from bookapp.books import idempotency, records, statements
from bookapp.books.tables import Book as BookTable
from bookapp.books.validation import Change, NewBook
from contracts.records import Book, BookStatus
from contracts.topics import BOOK_INGESTION
from delivery.postgres import DatabaseAway, Engine, retry_conflicts
from delivery.sending.outbox import Outbox, trace_context

_TOPIC: Final = BOOK_INGESTION.name


class BookStore:
    """Reads and changes books. Its pool may come and go: without one, ``DatabaseAway``."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine = engine
        self._outbox = outbox

    async def get(self, book_id: int) -> asyncpg.Record | None:
        """The row (id, title, author, status) of one book, or None."""
        return await self._pool.fetchrow(statements.GET, book_id)

    async def page(self, after: int, limit: int) -> list[asyncpg.Record]:
        """At most ``limit`` rows as ``get``'s, by id, those with an id above ``after``."""
        rows: list[asyncpg.Record] = await self._pool.fetch(statements.PAGE, after, limit)
        return rows

    @retry_conflicts
    async def add(self, book: NewBook) -> int:
        """Add a book; its id."""
        before, behind = records.added_around_id(book)
        book_id: int = await self._pool.fetchval(
            statements.ADD,
            *(book.title, book.author, book.status.value),
            *(_TOPIC, before, behind, trace_context()),
        )
        self._outbox.committed()
        return book_id

    @retry_conflicts
    async def add_many(self, books: Sequence[NewBook]) -> list[int]:
        """Add books, all or none; their ids, in the same order."""
        rows = await self._pool.fetch(statements.ADD_MANY, *_columns(books))
        self._outbox.committed()
        return _ids(rows)

    @retry_conflicts
    async def add_once(self, books: Sequence[NewBook], token: idempotency.Token) -> list[int]:
        """As ``add_many``, unless this token's key has been used: then the ids that it got.

        Exactly one of any number of calls with one key has an effect, in whatever process.

        Raises:
            KeyReused: the key came with other books before.
        """
        if (ids := await idempotency.find(token)) is not None:
            return ids
        try:
            rows = await self._pool.fetch(
                statements.ADD_ONCE, *_columns(books), token.key, token.fingerprint
            )
        except asyncpg.UniqueViolationError:  # another request with this key was quicker
            if (ids := await idempotency.find(token)) is not None:
                return ids
            raise
        self._outbox.committed()
        return _ids(rows)

    @retry_conflicts
    async def change(self, book_id: int, change: Change) -> Book | None:
        """Change what is given and no more; the book as it is now, or None when there is none.

        A change that changes nothing writes nothing: no new sequence, no record.
        """
        async with self._engine.transaction():
            row = await self._locked(book_id)
            if row is None:
                return None
            sequence = row.pop("sequence")
            old = _book(row)
            new = msgspec.structs.replace(
                old,
                title=old.title if change.title is None else change.title,
                author=old.author if change.author is None else change.author,
                status=old.status if change.status is None else change.status,
            )
            if new == old:
                return old
            await BookTable.update(
                title=new.title,
                author=new.author,
                status=new.status.value,
                sequence=sequence + 1,
            ).where(BookTable.id == book_id)
            record = records.updated(new, sequence + 1)
            await self._outbox.add(BOOK_INGESTION, record)
        self._outbox.committed()
        return new

    @retry_conflicts
    async def remove(self, book_id: int) -> bool:
        """Remove a book; False when there is none."""
        async with self._engine.transaction():
            row = await self._locked(book_id)
            if row is None:
                return False
            sequence = row.pop("sequence")
            await BookTable.delete().where(BookTable.id == book_id)
            record = records.removed(_book(row), sequence + 1)
            await self._outbox.add(BOOK_INGESTION, record)
        self._outbox.committed()
        return True

    async def _locked(self, book_id: int) -> dict[str, Any] | None:
        """The row, locked until the transaction ends."""
        row: dict[str, Any] | None = (
            await BookTable.select().where(BookTable.id == book_id).lock_rows("UPDATE").first()
        )
        return row

    @property
    def _pool(self) -> Pool:
        pool: Pool | None = self._engine.pool
        if pool is None:
            raise DatabaseAway("PostgreSQL has not been reached yet")
        return pool


def _book(row: dict[str, Any]) -> Book:
    return Book(
        id=row["id"],
        title=row["title"],
        author=row["author"],
        status=BookStatus(row["status"]),
    )


def _ids(rows: list[asyncpg.Record]) -> list[int]:
    """The ids that the statements that add many return, in the order of the books."""
    return sorted(row[0] for row in rows)


def _columns(books: Sequence[NewBook]) -> list[Any]:
    """The first seven parameters of the statements that add many."""
    around = [records.added_around_id(book) for book in books]
    return [
        [book.title for book in books],
        [book.author for book in books],
        [book.status.value for book in books],
        [before for before, _ in around],
        [behind for _, behind in around],
        _TOPIC,
        trace_context(),
    ]
