"""``python -m bookapp.migrate``: apply the migrations and end.

For deployments that start bookapp with MIGRATE_AT_START=false. Takes DATABASE_URL alone. Any
number may run at once. The exit status is 0 when nothing is left to apply, 1 when that failed, 2
for a wrong setting; the reason is one line on stderr.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping

import asyncpg

from bookapp.database import APPS
from bookapp.settings import Settings
from delivery.postgres import MigrationError, create_engine, is_database_away, migrate
from telemetry import SettingsError, read_settings


def main(environ: Mapping[str, str]) -> int:
    """Migrate the database of this environment; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        settings = read_settings(Settings, environ)
    except SettingsError as error:
        print(f"bookapp: {error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 2
    try:
        asyncio.run(migrate(create_engine(settings.database_url), APPS))
    except (MigrationError, asyncpg.PostgresError, OSError) as error:
        why = "PostgreSQL does not answer: " if is_database_away(error) else ""
        print(f"bookapp: {why}{error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
