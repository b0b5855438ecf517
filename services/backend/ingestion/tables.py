"""The read model: one row for every book that a record told of, in the service's schema."""

from piccolo.columns import UUID, BigInt, Boolean, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class Book(Table, tablename="book"):
    """A book's newest known state and its catalogue entry.

    ``sequence`` is that of the record which wrote the row; only a higher one may write it again.
    ``event_id`` and ``occurred_at`` are that record's too, null where it was written before they
    were kept: what tells a repeat from a change that is ignored (see ``ignored``).
    ``removed`` marks a book that is gone: its row stays, with its sequence, so that a late repeat
    of an older record cannot bring the book back.
    ``trace_id`` is the trace of the request that caused the record, in hex; null without one.
    """

    book_id = BigInt(primary_key=True)
    title = Text()
    author = Text()
    status = Text()
    shelf_mark = Text()
    author_sort = Text()
    title_sort = Text()
    sequence = BigInt()
    removed = Boolean(default=False)
    ingested_at = Timestamptz(default=TimestamptzNow())
    trace_id = Text(null=True, default=None)
    event_id = UUID(null=True, default=None)
    occurred_at = Timestamptz(null=True, default=None)


class IgnoredChange(Table, tablename="ignored_change"):
    """A record that was ignored, since its sequence is not higher than what had been applied, and
    is no repeat. It is over when the book has a newer state than the one that was in its way."""

    event_id = UUID(primary_key=True, default=None)
    book_id = BigInt()
    sequence = BigInt()
    occurred_at = Timestamptz()
    applied_event_id = UUID(default=None)
    applied_sequence = BigInt()
    seen_at = Timestamptz(default=TimestamptzNow())
