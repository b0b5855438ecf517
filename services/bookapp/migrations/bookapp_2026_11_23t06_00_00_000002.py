"""The checks that Piccolo has no word for, and the catalogue: stored, and published.

What is inserted here goes to the outbox as any added book does, so that a read model built from
the topic alone knows these books too. The outbox itself is migrated before (delivery's own app).
"""

import datetime as dt
from uuid import uuid4

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

from bookapp.books.catalogue import CATALOGUE
from contracts.codec import encode
from contracts.records import Book, BookAdded, BookStatus, key_of
from contracts.topics import BOOK_INGESTION

ID = "2026-11-23T06:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "checks and the catalogue"

_CHECKS = """
    ALTER TABLE books
    ADD CONSTRAINT books_status CHECK (status IN ('available', 'borrowed', 'lost')),
    ADD CONSTRAINT books_sequence CHECK (sequence > 0),
    ADD CONSTRAINT books_title CHECK (char_length(title) BETWEEN 1 AND 1000),
    ADD CONSTRAINT books_author CHECK (char_length(author) BETWEEN 1 AND 1000)
"""
_INSERT_BOOKS = """
    INSERT INTO books (title, author)
    SELECT title, author
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS book (title, author, place)
    ORDER BY place
    RETURNING id, title, author
"""
_INSERT_RECORDS = """
    INSERT INTO outbox (topic, key, value)
    SELECT $1, key, value FROM unnest($2::bytea[], $3::bytea[]) AS record (key, value)
"""


async def _check_and_fill() -> None:
    engine = engine_finder()
    transaction = engine.current_transaction.get() if engine else None
    assert transaction is not None, "a migration runs in a transaction"
    run = transaction.connection.fetch
    await run(_CHECKS)
    now = dt.datetime.now(dt.UTC)
    rows = await run(
        _INSERT_BOOKS,
        [title for title, _ in CATALOGUE],
        [author for _, author in CATALOGUE],
    )
    records = [
        BookAdded(
            event_id=uuid4(),
            sequence=1,
            occurred_at=now,
            book=Book(status=BookStatus.available, **row),
        )
        for row in rows
    ]
    await run(
        _INSERT_RECORDS,
        BOOK_INGESTION.name,
        [key_of(record) for record in records],
        [encode(record) for record in records],
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="bookapp", description=DESCRIPTION)
    manager.add_raw(_check_and_fill)
    return manager
