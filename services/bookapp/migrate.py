"""``python -m bookapp.migrate``: bring the database's tables up to date, and end."""

import os
import sys

from bookapp.database import APPS, create_database
from bookapp.settings import Settings
from delivery.postgres import Engine
from delivery.postgres.migrations.command import migrate_command
from telemetry import read_settings


def engine() -> Engine:
    """Of this environment. Raises SettingsError."""
    return create_database(read_settings(Settings, os.environ)).engine


if __name__ == "__main__":
    sys.exit(migrate_command("bookapp", engine, APPS))
