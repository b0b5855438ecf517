"""The API over books in memory: what the routes do, without a server."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import msgspec
import pytest

from bookapp.api import create_api
from bookapp.books.details import DetailsSource
from bookapp.books.idempotency import KeyReused, Token
from bookapp.books.schemas import BookChange, ListedBook, NewBook
from bookapp.books.store import BookStore
from contracts.backend_client.models import BookStatus, CatalogueEntry
from contracts.conventions import Conventions
from contracts.problems import FieldError
from contracts.records import Book
from delivery.postgres import DatabaseAway, unavailable


def entry(book_id: int, **fields: Any) -> CatalogueEntry:
    """An entry; ``fields`` in place of what each one has."""
    given = {
        "title": "Emma",
        "author": "Jane Austen",
        "status": BookStatus.AVAILABLE,
        "shelf_mark": ".A97 E46",
        "author_sort": "austen, jane",
        "title_sort": "emma",
        "sequence": 1,
        "ingested_at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        "trace_id": None,
    }
    return CatalogueEntry(book_id=book_id, **{**given, **fields})


class FakeStore(BookStore):
    """Books in a dictionary; ``away`` stands for a database that does not answer."""

    def __init__(self) -> None:
        self.rows: dict[int, Book] = {}
        self.keys: dict[str, tuple[bytes, list[int]]] = {}
        self.away = False
        self.broken = False

    def _ask(self) -> None:
        if self.away:
            raise DatabaseAway("no connection to PostgreSQL at db.internal: refused")
        if self.broken:
            raise RuntimeError("a secret of the inside")

    async def get(self, book_id: int) -> Book | None:
        self._ask()
        return self.rows.get(book_id)

    async def page(self, after: int, limit: int) -> list[ListedBook]:
        self._ask()
        books = [self.rows[i] for i in sorted(self.rows) if i > after][:limit]
        return msgspec.convert(books, list[ListedBook], from_attributes=True)

    async def add_many(self, books: Sequence[NewBook], token: Token | None = None) -> list[int]:
        if token is not None:
            return await self._add_once(books, token)
        self._ask()
        first = max(self.rows, default=0) + 1
        for book_id, new in enumerate(books, first):
            self.rows[book_id] = Book(
                id=book_id, title=new.title, author=new.author, status=new.status
            )
        return list(range(first, first + len(books)))

    async def _add_once(self, books: Sequence[NewBook], token: Token) -> list[int]:
        if token.key not in self.keys:
            self.keys[token.key] = (token.fingerprint, await self.add_many(books))
        fingerprint, ids = self.keys[token.key]
        if fingerprint != token.fingerprint:
            raise KeyReused
        return ids

    async def change(self, book_id: int, change: BookChange) -> Book | None:
        self._ask()
        if book_id not in self.rows:
            return None
        given = {
            name: value
            for name, value in msgspec.structs.asdict(change).items()
            if value is not msgspec.UNSET
        }
        self.rows[book_id] = msgspec.structs.replace(self.rows[book_id], **given)
        return self.rows[book_id]

    async def remove(self, book_id: int) -> Book | None:
        self._ask()
        return self.rows.pop(book_id, None)


class FakeDetails(DetailsSource):
    """Backend's entries, and how often it was asked."""

    def __init__(self) -> None:
        self.entries: dict[int, CatalogueEntry] = {}
        self.calls: list[tuple[int, int]] = []

    async def between(self, first: int, last: int) -> Mapping[int, CatalogueEntry]:
        self.calls.append((first, last))
        return {i: entry for i, entry in self.entries.items() if first <= i <= last}


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def details() -> FakeDetails:
    return FakeDetails()


@pytest.fixture
def recorded() -> list[BaseException]:
    """The exceptions that were put on the server span."""
    return []


@pytest.fixture
async def client(store, details, recorded) -> AsyncIterator[httpx.AsyncClient]:
    async def readiness() -> list[FieldError]:
        return [FieldError("database", "PostgreSQL does not answer")] if store.away else []

    app = create_api(
        store,
        details,
        readiness,
        Conventions(unavailable, recorded.append),
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bookapp") as client:
        yield client
