"""``python -m backend.migrate``: bring the database's tables up to date, and end."""

import asyncio
import os
import sys

import asyncpg

from backend.database import APPS
from backend.settings import Settings
from delivery.postgres import DatabaseAway, MigrationError, create_engine, migrate
from telemetry import SettingsError, read_settings


def main() -> int:
    """The exit status: 0 when the tables are up to date."""
    try:
        settings = read_settings(Settings, os.environ)
        asyncio.run(migrate(create_engine(settings.database_url), APPS))
    except (SettingsError, DatabaseAway, MigrationError, asyncpg.PostgresError) as error:
        print(f"backend: {error}", file=sys.stderr)  # noqa: T201  # a command's answer
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
