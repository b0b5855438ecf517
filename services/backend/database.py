"""backend's database as services of the worker: a pool from before the first request until after
the last record, and nothing of Kafka before there are tables."""

from typing import Final

from mode import Service

from backend.settings import Settings
from delivery.postgres import Database, create_engine
from telemetry.database import TracedConnection

APPS: Final = ("backend.piccolo_app",)
_CLOSE_S: Final = 3.0


def create_database(settings: Settings) -> Database:
    """The database of these settings; connects to nothing yet."""
    return Database(
        create_engine(
            settings.database_url,
            TracedConnection,
            direct_url=settings.database_direct_url,
            schema=settings.backend_schema,
        ),
        APPS,
        name="backend",
        pool_size=settings.database_pool_size,
        migrate_at_start=settings.migrate_at_start,
        command="python -m backend.migrate",
    )


class Pool(Service):
    """Open as long as the service runs."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def on_start(self) -> None:
        """Open it, which connects to nothing yet."""
        await self._database.open()

    async def on_stop(self) -> None:
        """Close it, cutting after a few seconds what is still in use."""
        await self._database.close(_CLOSE_S)


class Migrations(Service):
    """Starts when the database is there with its tables, however long that takes.

    What is started after it finds a database that can be used.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def on_start(self) -> None:
        """Wait, migrate, or find that somebody has; ends early when told to stop."""
        await self.wait(self._database.prepare())
