"""The tables of the sending side."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import JSONB, BigInt, BigSerial, Bytea, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow

from delivery.postgres.migrations.columns import add_table

ID = "2026-11-23T06:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "outbox and lease"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="outbox", description=DESCRIPTION)

    column = add_table(manager, "RelayLease", "relay_lease")
    column("name", Varchar, length=100, default="", primary_key=True)
    column("owner", Varchar, length=100, default="")
    column("epoch", BigInt, default=0)
    column("expires_at", Timestamptz, default=TimestamptzNow())

    column = add_table(manager, "OutboxRow", "outbox")
    column("id", BigSerial, primary_key=True)
    column("topic", Varchar, length=249, default="")
    column("key", Bytea, default=b"")
    column("value", Bytea, default=b"")
    column("trace_context", JSONB, default=None, null=True)
    column("created_at", Timestamptz, default=TimestamptzNow())
    column("parked_at", Timestamptz, default=None, null=True)
    column("error", Text, default=None, null=True)
    return manager
