"""One statement that applies any number of records, each only if it is newer than what is there.

The guard is part of the statement: no read comes before it, so two workers that hold the same
partition for a moment (a rebalance, a process that was stopped and goes on) cannot undo each
other's writes. The statement's text is the same for one row and for hundreds, and so is prepared
once per connection.
"""

from collections.abc import Mapping
from typing import Final

from backend.ingestion.tables import Book

_TYPES: Final[Mapping[str, str]] = {
    "book_id": "bigint",
    "title": "text",
    "author": "text",
    "status": "text",
    "shelf_mark": "text",
    "author_sort": "text",
    "title_sort": "text",
    "sequence": "bigint",
    "event_id": "uuid",
    "occurred_at": "timestamptz",
    "removed": "boolean",
    "trace_id": "text",
}
COLUMNS: Final = tuple(_TYPES)
"""The columns that the statement takes, one array each, in this order."""


def upsert(table: str | None = None, *, guarded: bool = True) -> str:
    """The statement for a table of the read model's shape; for the read model without one.

    The rows must name each book at most once: PostgreSQL refuses to update a row twice.
    Without the guard an older record overwrites a newer one: for an operator who wants to see what
    a record does, never for a worker.
    """
    table = table or Book._meta.get_formatted_tablename()
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_TYPES.values(), 1))
    columns = ", ".join(COLUMNS)
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "book_id")
    return (
        f"INSERT INTO {table} AS book ({columns}, ingested_at)"  # noqa: S608  # our own names
        f" SELECT *, now() FROM unnest({arrays})"
        f" ON CONFLICT (book_id) DO UPDATE SET {changes}, ingested_at = excluded.ingested_at"
        + (" WHERE book.sequence < excluded.sequence" if guarded else "")
    )
