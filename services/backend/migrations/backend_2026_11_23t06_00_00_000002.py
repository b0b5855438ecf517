"""The dead letters, in the same schema."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Bytea, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow

from delivery.postgres.migrations.columns import add_table

ID = "2026-11-23T06:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "the dead letters"

_NULL = {"null": True, "default": None}
_INDEXED = {"index": True}


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="backend", description=DESCRIPTION)
    column = add_table(manager, "DeadLetterRow", "dead_letter")
    column("id", Text, default="", primary_key=True)
    column("topic", Text, default="")
    column("partition", Integer, default=0)
    column("offset", BigInt, default=0)
    column("dead_letter_topic", Text, default="")
    column("dead_letter_partition", Integer, default=0)
    column("dead_letter_offset", BigInt, default=0)
    column("consumer_group", Text, default="")
    column("error_type", Text, default="", **_INDEXED)
    column("error_message", Text, default="")
    column("attempts", Integer, default=0)
    column("recorded_at", Timestamptz, default=TimestamptzNow())
    column("failed_at", Timestamptz, default=TimestamptzNow())
    column("trace_id", Text, **_NULL)
    column("failed_trace_id", Text, **_NULL)
    column("key", Bytea, **_NULL)
    column("value", Bytea, **_NULL)
    column("headers", Text, default="[]")
    column("state", Text, default="new", **_INDEXED)
    column("state_at", Timestamptz, default=TimestamptzNow())
    column("redriven_to", Text, **_NULL)
    column("redriven_from", Text, **_NULL, **_INDEXED)
    return manager
