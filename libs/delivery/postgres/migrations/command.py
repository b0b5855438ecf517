"""``python -m <service>.migrate``: bring a service's tables up to date by hand, and end.

For deployments that start the service with MIGRATE_AT_START=false. Any number may run at once.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Sequence

import asyncpg

from delivery.postgres.engine import Engine
from delivery.postgres.errors import DatabaseBusy, UnfitDatabase, is_database_away
from delivery.postgres.migrations.apply import MigrationError, migrate
from telemetry.environment import SettingsError


def migrate_command(service: str, engine: Callable[[], Engine], apps: Sequence[str]) -> int:
    """Apply what has not been applied; the exit status. ``engine`` makes that of the
    settings, or raises SettingsError.

    0 when nothing is left to apply, 1 when that failed, 2 for a wrong setting; the reason is one
    line on standard error, and what was applied a line each.
    """
    argparse.ArgumentParser(
        f"python -m {service}.migrate",
        description=f"Bring {service}'s tables up to date, and end. Needs DATABASE_URL. Any number"
        " may run at once. Exit status: 0 nothing is left to apply, 1 that failed, 2 wrong"
        " setting.",
    ).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        asyncio.run(migrate(engine(), apps))
    except SettingsError as error:
        return _fail(service, str(error), 2)
    except (
        *(MigrationError, UnfitDatabase, DatabaseBusy),
        *(asyncpg.PostgresError, OSError),
    ) as error:
        why = "PostgreSQL does not answer: " if is_database_away(error) else ""
        return _fail(service, f"{why}{error}", 1)
    return 0


def _fail(service: str, reason: str, status: int) -> int:
    print(f"{service}: {reason}", file=sys.stderr)  # noqa: T201 - a command's own output
    return status
