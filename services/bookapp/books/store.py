"""The books in PostgreSQL, and the promise that no change goes unpublished.

Every change is one transaction with its record in the outbox; when a method returns, both have
committed. Changes of one book are written under its row's lock: the records of a book stand in the
outbox in the order of their sequences. Errors of PostgreSQL pass through (see
``delivery.postgres.is_database_away``).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import asyncpg
import msgspec

from bookapp.books import idempotency, records
from bookapp.books.schemas import BookChange, ListedBook, NewBook
from bookapp.books.tables import Book as BookTable
from contracts.records import Book
from contracts.topics import BOOK_INGESTION
from delivery.postgres import Engine, retry_conflicts
from delivery.postgres.queries import Given, InsertRows, Prepared
from delivery.sending.outbox import Outbox

_GIVEN = (BookTable.title, BookTable.author, BookTable.status)
_SHOWN = (BookTable.id, *_GIVEN)

_ONE = Prepared(BookTable.select(*_SHOWN).where(BookTable.id == Given("id")))
_PAGE = Prepared(
    BookTable.select(*_SHOWN).where(BookTable.id > Given("after")).order_by(BookTable.id),
    limit=Given("limit"),
)
_ADD = Prepared(InsertRows(BookTable, _GIVEN, Given("rows")).returning(BookTable.id))


class BookStore:
    """Reads and changes books."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine = engine
        self._outbox = outbox

    async def get(self, book_id: int) -> Book | None:
        """One book, or None."""
        row = await _ONE.first(id=book_id)
        return None if row is None else msgspec.convert(row, Book)

    async def page(self, after: int, limit: int) -> list[ListedBook]:
        """At most ``limit`` books, by id, those with an id above ``after``; without details."""
        return msgspec.convert(await _PAGE(after=after, limit=limit), list[ListedBook])

    async def add(self, book: NewBook, token: idempotency.Token | None = None) -> int:
        """Add a book; its id. Otherwise as ``add_many``."""
        (book_id,) = await self.add_many([book], token)
        return book_id

    @retry_conflicts
    async def add_many(
        self, books: Sequence[NewBook], token: idempotency.Token | None = None
    ) -> list[int]:
        """Add books, all or none; their ids, in the same order.

        Of any number of calls with one token, in whatever process, exactly one has an effect; all
        return the ids that it got.

        Raises:
            KeyReused: the token's key came with other books before.
        """
        if token is None:
            ids = await self._insert(books)
        elif (known := await idempotency.find(token)) is not None:
            return known
        else:
            try:
                async with self._engine.transaction():
                    ids = await self._insert(books)
                    await idempotency.keep(token, ids)
            except asyncpg.UniqueViolationError:  # another request with this key was quicker
                if (known := await idempotency.find(token)) is not None:
                    return known
                raise
        self._outbox.committed()
        return ids

    @retry_conflicts
    async def change(self, book_id: int, change: BookChange) -> Book | None:
        """Change what is given and no more; the book as it is now, or None when there is none.

        A change that changes nothing writes nothing: no new sequence, no record.
        """
        given = {
            name: value
            for name, value in msgspec.structs.asdict(change).items()
            if value is not msgspec.UNSET
        }
        async with self._engine.transaction():
            old, sequence = await self._locked(book_id)
            if old is None:
                return None
            new = msgspec.structs.replace(old, **given)
            if new == old:
                return old
            values: dict[Any, Any] = {**given, BookTable.sequence: sequence + 1}
            await BookTable.update(values).where(BookTable.id == book_id)
            await self._outbox.add(BOOK_INGESTION, records.updated(new, sequence + 1))
        self._outbox.committed()
        return new

    @retry_conflicts
    async def remove(self, book_id: int) -> Book | None:
        """Remove a book; as it was, or None when there is none."""
        async with self._engine.transaction():
            book, sequence = await self._locked(book_id)
            if book is None:
                return None
            await BookTable.delete().where(BookTable.id == book_id)
            await self._outbox.add(BOOK_INGESTION, records.removed(book, sequence + 1))
        self._outbox.committed()
        return book

    async def _locked(self, book_id: int) -> tuple[Book | None, int]:
        """The book and its sequence, locked until the transaction ends."""
        row = await BookTable.select().where(BookTable.id == book_id).lock_rows("UPDATE").first()
        return (None, 0) if row is None else (msgspec.convert(row, Book), row["sequence"])

    async def _insert(self, books: Sequence[NewBook]) -> list[int]:
        """The books and their records, in one statement; the ids, in the same order."""
        rows = [(book.title, book.author, book.status) for book in books]
        added = [partial(records.added, book) for book in books]
        return await self._outbox.insert(_ADD, BOOK_INGESTION, added, rows=rows)
