"""A book's changes as records: made here, published through the outbox."""

import datetime as dt
from uuid import uuid4

from bookapp.books.schemas import NewBook
from contracts.records import Book, BookAdded, BookRecord, BookRemoved, BookStatus, BookUpdated


def updated(book: Book, sequence: int) -> BookRecord:
    """The record of a changed book."""
    return BookUpdated(event_id=uuid4(), sequence=sequence, occurred_at=_now(), book=book)


def removed(book: Book, sequence: int) -> BookRecord:
    """The record of a removed book, with the state that it had."""
    return BookRemoved(event_id=uuid4(), sequence=sequence, occurred_at=_now(), book=book)


def added(new: NewBook, book_id: int) -> BookRecord:
    """The record of a new book, by the id that it gets."""
    book = Book(id=book_id, title=new.title, author=new.author, status=BookStatus(new.status))
    return BookAdded(event_id=uuid4(), sequence=1, occurred_at=_now(), book=book)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
