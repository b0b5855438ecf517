"""One statement that applies any number of records, each only if it is newer than what is there.

The guard is part of the statement: no read comes before it, so two workers that hold the same
partition for a moment (a rebalance, a process that was stopped and goes on) cannot undo each
other's writes.
"""

from backend.ingestion.tables import Book
from delivery.postgres.queries import Given, InsertRows, Prepared, excluded


def upsert(table: type[Book] = Book, *, guarded: bool = True) -> Prepared:
    """The query for the read model, or for a table of its shape; it takes ``rows``.

    A row has the values of ``handler.values_of``, and each book is in at most one: PostgreSQL
    refuses to update a row twice. Without the guard an older record overwrites a newer one: for an
    operator who wants to see what a record does, never for a worker.
    """
    values = (
        *(table.title, table.author, table.status),
        *(table.shelf_mark, table.author_sort, table.title_sort),
        *(table.sequence, table.event_id, table.occurred_at, table.removed, table.trace_id),
    )
    return Prepared(
        InsertRows(table, (table.book_id, *values), Given("rows")).on_conflict(
            table.book_id,
            "DO UPDATE",
            (*values, table.ingested_at),
            where=table.sequence < excluded(table.sequence) if guarded else None,
        )
    )
