"""The read model, in a schema of its own."""

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Boolean, Text, Timestamptz
from piccolo.columns.base import Column
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T06:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "the read model of the books"

_SCHEMA = "backend"
_TABLE = "book"
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
    manager = MigrationManager(migration_id=ID, app_name="backend", description=DESCRIPTION)

    def column(name: str, kind: type[Column], **params: Any) -> None:
        manager.add_column(
            table_class_name="Book",
            tablename=_TABLE,
            schema=_SCHEMA,
            column_name=name,
            db_column_name=name,
            column_class_name=kind.__name__,
            column_class=kind,
            params={**_PLAIN, **params},
        )

    manager.add_table("Book", tablename=_TABLE, schema=_SCHEMA)
    column("book_id", BigInt, default=0, primary_key=True)
    for name in ("title", "author", "status", "shelf_mark", "author_sort", "title_sort"):
        column(name, Text, default="")
    column("sequence", BigInt, default=0)
    column("removed", Boolean, default=False)
    column("ingested_at", Timestamptz, default=TimestamptzNow())
    column("trace_id", Text, default=None, null=True)
    return manager
