"""Table settings that suit a queue: every row is inserted once and deleted once.

The default waits until a fifth of the table is dead; after an outage's backlog each read would step
over 100,000 dead rows until then. The lease row is updated every few seconds for ever: room on its
page keeps those updates away from its index.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from delivery.sending.outbox_app.tables import OutboxRow

ID = "2026-11-23T06:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "vacuum the outbox early"

SETTINGS = """
ALTER TABLE outbox SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000,
    autovacuum_vacuum_cost_delay = 0
);
ALTER TABLE relay_lease SET (fillfactor = 50, autovacuum_vacuum_threshold = 200);
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="outbox", description=DESCRIPTION)

    async def settings() -> None:
        for statement in filter(str.strip, SETTINGS.split(";")):
            await OutboxRow.raw(statement)

    manager.add_raw(settings)
    return manager
