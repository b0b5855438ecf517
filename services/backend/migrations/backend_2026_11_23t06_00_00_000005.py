"""Which event wrote a row of the read model; changes that were ignored and are no repeats."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import UUID, BigInt, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow

from delivery.postgres.migrations.columns import add_column, add_table

ID = "2026-11-23T06:00:00:000005"
VERSION = "1.38.0"
DESCRIPTION = "the events of the read model"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="backend", description=DESCRIPTION)
    column = add_column(manager, "Book", "book")
    column("event_id", UUID, default=None, null=True)
    column("occurred_at", Timestamptz, default=None, null=True)

    column = add_table(manager, "IgnoredChange", "ignored_change")
    column("event_id", UUID, default=None, primary_key=True)
    column("book_id", BigInt, default=0)
    column("sequence", BigInt, default=0)
    column("occurred_at", Timestamptz, default=TimestamptzNow())
    column("applied_event_id", UUID, default=None)
    column("applied_sequence", BigInt, default=0)
    column("seen_at", Timestamptz, default=TimestamptzNow())
    return manager
