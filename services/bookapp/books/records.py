"""A book's changes as records: made here, encoded by contracts, published through the outbox."""

import datetime as dt
from typing import Final
from uuid import uuid4

import msgspec

from bookapp.books.validation import NewBook
from contracts.codec import encode
from contracts.records import Book, BookAdded, BookRecord, BookRemoved, BookUpdated, key_of

_NO_ID: Final = b'"id":0,'


class Outgoing(msgspec.Struct, frozen=True):
    """What the outbox takes: the record's key and its bytes."""

    key: bytes
    value: bytes


def updated(book: Book, sequence: int) -> Outgoing:
    """The record of a changed book."""
    return _outgoing(
        BookUpdated(event_id=uuid4(), sequence=sequence, occurred_at=_now(), book=book)
    )


def removed(book: Book, sequence: int) -> Outgoing:
    """The record of a removed book, with the state that it had."""
    return _outgoing(
        BookRemoved(event_id=uuid4(), sequence=sequence, occurred_at=_now(), book=book)
    )


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


def _outgoing(record: BookRecord) -> Outgoing:
    return Outgoing(key_of(record), encode(record))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
