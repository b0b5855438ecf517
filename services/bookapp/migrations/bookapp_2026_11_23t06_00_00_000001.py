"""The tables of books, and of the answers that idempotency keys got."""

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Array, BigInt, BigSerial, Bytea, Text, Timestamptz
from piccolo.columns.base import Column
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T06:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "books and idempotency keys"

_TABLES = {"Book": "books", "IdempotencyKey": "idempotency_keys"}
_PLAIN = {
    "null": False,
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="bookapp", description=DESCRIPTION)

    def column(table: str, name: str, kind: type[Column], **params: Any) -> None:
        manager.add_column(
            table_class_name=table,
            tablename=_TABLES[table],
            column_name=name,
            db_column_name=name,
            column_class_name=kind.__name__,
            column_class=kind,
            params={**_PLAIN, **params},
        )

    for class_name, table in _TABLES.items():
        manager.add_table(class_name, tablename=table)

    column("Book", "id", BigSerial, primary_key=True)
    column("Book", "title", Text, default="")
    column("Book", "author", Text, default="")
    column("Book", "status", Text, default="available")
    column("Book", "sequence", BigInt, default=1)

    column("IdempotencyKey", "key", Text, default="", primary_key=True)
    column("IdempotencyKey", "fingerprint", Bytea, default=b"")
    column("IdempotencyKey", "book_ids", Array, default=list, base_column=BigInt())
    column("IdempotencyKey", "created_at", Timestamptz, default=TimestamptzNow(), index=True)
    return manager
