"""The read model, in the service's schema."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Boolean, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow

from delivery.postgres.migrations.columns import add_table

ID = "2026-11-23T06:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "the read model of the books"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="backend", description=DESCRIPTION)
    column = add_table(manager, "Book", "book")
    column("book_id", BigInt, default=0, primary_key=True)
    for name in ("title", "author", "status", "shelf_mark", "author_sort", "title_sort"):
        column(name, Text, default="")
    column("sequence", BigInt, default=0)
    column("removed", Boolean, default=False)
    column("ingested_at", Timestamptz, default=TimestamptzNow())
    column("trace_id", Text, default=None, null=True)
    return manager
