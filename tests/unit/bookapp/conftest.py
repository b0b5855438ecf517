"""The API over books in memory: what the routes do, without a server."""

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx
import msgspec
import pytest

from bookapp.api import create_api
from bookapp.books.controller import Library
from bookapp.books.idempotency import KeyReused, Token
from bookapp.books.validation import Change, NewBook
from contracts.problems import FieldError
from contracts.records import Book
from delivery.postgres import DatabaseAway, unavailable


class Row(dict):
    """As asyncpg's: by name and by place, and unpacked into its values."""

    def __iter__(self):
        return iter(self.values())

    def __getitem__(self, key):
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)


class FakeStore:
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

    def _row(self, book: Book) -> Row:
        return Row(id=book.id, title=book.title, author=book.author, status=book.status.value)

    async def get(self, book_id: int) -> Row | None:
        self._ask()
        book = self.rows.get(book_id)
        return None if book is None else self._row(book)

    async def page(self, after: int, limit: int) -> list[Row]:
        self._ask()
        return [self._row(self.rows[i]) for i in sorted(self.rows) if i > after][:limit]

    async def add(self, book: NewBook) -> int:
        return (await self.add_many([book]))[0]

    async def add_many(self, books: Sequence[NewBook]) -> list[int]:
        self._ask()
        first = max(self.rows, default=0) + 1
        for book_id, new in enumerate(books, first):
            self.rows[book_id] = Book(
                id=book_id, title=new.title, author=new.author, status=new.status
            )
        return list(range(first, first + len(books)))

    async def add_once(self, books: Sequence[NewBook], token: Token) -> list[int]:
        if token.key not in self.keys:
            self.keys[token.key] = (token.fingerprint, await self.add_many(books))
        fingerprint, ids = self.keys[token.key]
        if fingerprint != token.fingerprint:
            raise KeyReused
        return ids

    async def change(self, book_id: int, change: Change) -> Book | None:
        self._ask()
        if book_id not in self.rows:
            return None
        given = {
            name: value
            for name, value in msgspec.structs.asdict(change).items()
            if value is not None
        }
        self.rows[book_id] = msgspec.structs.replace(self.rows[book_id], **given)
        return self.rows[book_id]

    async def remove(self, book_id: int) -> bool:
        self._ask()
        return self.rows.pop(book_id, None) is not None


class FakeDetails:
    """Backend's entries, and how often it was asked."""

    def __init__(self) -> None:
        self.entries: dict[int, dict] = {}
        self.calls: list[list[int]] = []

    async def of(self, ids: Sequence[int]) -> Mapping[int, msgspec.Raw]:
        self.calls.append(list(ids))
        return {
            i: msgspec.Raw(msgspec.json.encode(self.entries[i])) for i in ids if i in self.entries
        }


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
        Library(store, details),
        readiness,
        unavailable=unavailable,
        record_exception=recorded.append,
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bookapp") as client:
        yield client
