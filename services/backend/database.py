"""backend's database: what is in it, and how it is reached."""

from typing import Final

from backend.settings import Settings
from delivery.postgres import Database, create_engine
from telemetry.database import TracedConnection

APPS: Final = ("backend.piccolo_app",)

MIGRATE: Final = "python -m backend.migrate"


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
        command=MIGRATE,
    )
