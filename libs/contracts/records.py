"""The records of the ``book_ingestion`` topic: what happened to a book, and its whole state since.

A record carries the whole book, so that a reader needs no earlier record, and the topic may be
compacted by key. ``removed`` is a record too, not a tombstone: its sequence must survive, or a late
repeat of an older record would bring the book back.

Records may gain fields with a default; they never lose or change one (``contracts.compatibility``).
"""

import datetime as dt
import enum
from typing import Annotated, Final
from uuid import UUID

import msgspec

MAX_TEXT: Final = 1_000
"""The longest title or author, in characters (code points)."""

MAX_BIGINT: Final = 2**63 - 1
"""The largest id or sequence: PostgreSQL's ``bigint``."""

PositiveBigint = Annotated[int, msgspec.Meta(ge=1, le=MAX_BIGINT)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
Timestamp = Annotated[dt.datetime, msgspec.Meta(tz=True)]


class BookStatus(enum.StrEnum):
    """Where a copy of the book is; on the wire always in lower case."""

    available = enum.auto()
    borrowed = enum.auto()
    lost = enum.auto()


def why_unusable(text: str) -> str | None:
    """Why a title or author cannot be stored, or None when it can.

    PostgreSQL's ``text`` holds neither U+0000 nor a lone surrogate, and a blank name names nothing.
    A topic keeps records for ever, so this is never made stricter; new names are held to more
    (``contracts.visible``).
    """
    if "\x00" in text:
        return "contains a NUL character"
    if not text.strip():
        return "is blank"
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        return "contains a lone surrogate, which is no character"
    return None


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """A book's whole state. Raises ValueError when the title or author cannot be stored."""

    id: PositiveBigint
    title: Text
    author: Text
    status: BookStatus

    def __post_init__(self) -> None:
        for name, text in (("title", self.title), ("author", self.author)):
            if reason := why_unusable(text):
                raise ValueError(f"{name} {reason}")


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every record says.

    ``event_id`` is unique to the event, and the same when the record is repeated.
    ``sequence`` grows by one with each change of this book; of two records of one book, the one
    with the higher sequence is the newer, wherever they stand in the topic.
    ``occurred_at`` is when the change was made: UTC, and never without a zone.
    """

    event_id: UUID
    sequence: PositiveBigint
    occurred_at: Timestamp
    book: Book


class BookAdded(_Record, frozen=True, kw_only=True, tag="added"):
    """A book joined the collection."""


class BookUpdated(_Record, frozen=True, kw_only=True, tag="updated"):
    """A book's title, author or status changed."""


class BookRemoved(_Record, frozen=True, kw_only=True, tag="removed"):
    """A book left the collection; ``book`` is its last state."""


BookRecord = BookAdded | BookUpdated | BookRemoved


def key_of(record: BookRecord) -> bytes:
    """The record's key: the book's id in decimal, so that any client partitions it alike."""
    return b"%d" % record.book.id
