"""bookapp's database: what is in it, and how it is reached."""

import os
from typing import Final

from bookapp.settings import Settings
from delivery.commands.program import Program
from delivery.postgres import Database, create_engine
from delivery.replay.reading import Missing
from telemetry import read_settings
from telemetry.database import TracedConnection

APPS: Final = ("delivery.sending.outbox_app.piccolo_app", "bookapp.piccolo_app")
"""Piccolo's apps in the order of their migrations: the catalogue needs the outbox."""

MIGRATE: Final = "python -m bookapp.migrate"


def create_database(settings: Settings) -> Database:
    """The database of these settings; connects to nothing yet."""
    return Database(
        create_engine(
            settings.database_url,
            TracedConnection,
            direct_url=settings.database_direct_url,
            schema=settings.bookapp_schema,
        ),
        APPS,
        name="bookapp",
        pool_size=settings.database_pool_size,
        migrate_at_start=settings.migrate_at_start,
        command=MIGRATE,
    )


def program() -> Program:
    """What bookapp's commands run on, of this environment. Raises SettingsError."""
    engine = create_database(read_settings(Settings, os.environ)).engine
    return Program(engine, APPS, MIGRATE, expected=(Missing,))
