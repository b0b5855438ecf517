"""``python -m bookapp.migrate``: bring the database's tables up to date, and end."""

import os
import sys

from bookapp.database import APPS
from bookapp.settings import Settings
from delivery.postgres.command import migrate_command
from telemetry import read_settings


def database_url() -> str:
    """Of this environment. Raises SettingsError."""
    settings = read_settings(Settings, os.environ)
    return settings.database_direct_url or settings.database_url


if __name__ == "__main__":
    sys.exit(migrate_command("bookapp", database_url, APPS))
