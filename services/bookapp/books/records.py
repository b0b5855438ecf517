"""A book's changes as records: made here, published through the outbox."""

import datetime as dt
from typing import Final
from uuid import uuid4

from bookapp.books.validation import NewBook
from contracts.codec import encode
from contracts.records import Book, BookAdded, BookRecord, BookRemoved, BookUpdated

_NO_ID: Final = b'"id":0,'


def updated(book: Book, sequence: int) -> BookRecord:
    """The record of a changed book."""
    return BookUpdated(event_id=uuid4(), sequence=sequence, occurred_at=_now(), book=book)


def removed(book: Book, sequence: int) -> BookRecord:
    """The record of a removed book, with the state that it had."""
    return BookRemoved(event_id=uuid4(), sequence=sequence, occurred_at=_now(), book=book)


def added_around_id(new: NewBook) -> tuple[bytes, bytes]:
    """The record of a book that has no id yet: the bytes before the id, and those behind it.

    PostgreSQL gives the id and joins the three in the statement that inserts the book, so that an
    add is one round trip. What is before the id is ours alone (``event_id``, ``sequence``,
    ``occurred_at``): no title can imitate the mark that is split at.
    """
    record = BookAdded(
        event_id=uuid4(),
        sequence=1,
        occurred_at=_now(),
        book=Book(id=0, title=new.title, author=new.author, status=new.status),
    )
    before, _, behind = encode(record).partition(_NO_ID)
    return before + b'"id":', b"," + behind


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
