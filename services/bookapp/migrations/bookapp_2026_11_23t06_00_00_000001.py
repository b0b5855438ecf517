"""The tables of books, and of the answers that idempotency keys got."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Array, BigInt, BigSerial, Bytea, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow

from delivery.postgres.migrations.columns import add_table

ID = "2026-11-23T06:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "books and idempotency keys"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="bookapp", description=DESCRIPTION)

    column = add_table(manager, "Book", "books")
    column("id", BigSerial, primary_key=True)
    column("title", Text, default="")
    column("author", Text, default="")
    column("status", Text, default="available")
    column("sequence", BigInt, default=1)

    column = add_table(manager, "IdempotencyKey", "idempotency_keys")
    column("key", Text, default="", primary_key=True)
    column("fingerprint", Bytea, default=b"")
    column("book_ids", Array, default=list, base_column=BigInt())
    column("created_at", Timestamptz, default=TimestamptzNow(), index=True)
    return manager
