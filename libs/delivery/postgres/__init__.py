"""PostgreSQL as both services use it: engine and pool, transactions, migrations, whose fault a
failure is, and how a service gets ready whenever PostgreSQL comes.

Piccolo's engine is kept, and hardened where a lost or silent database would leak connections or
leave a task inside a dead transaction (see `engine`). Two rooms are within: `migrations`, and
`queries` for what is asked often or writes many rows.
"""

from delivery.postgres.connecting import is_pooled
from delivery.postgres.database import Database
from delivery.postgres.engine import Engine, close_pool, create_engine, open_pool
from delivery.postgres.errors import (
    AWAY_ERRORS,
    DatabaseAway,
    DatabaseBusy,
    UnfitDatabase,
    is_database_away,
    is_passing,
    unavailable,
)
from delivery.postgres.migrations import MigrationError, bind_tables, migrate, pending
from delivery.postgres.retry import retry_conflicts
from delivery.postgres.url import SchemaName, check_url, check_urls, describe

__all__ = [
    "AWAY_ERRORS",
    "Database",
    "DatabaseAway",
    "DatabaseBusy",
    "Engine",
    "MigrationError",
    "SchemaName",
    "UnfitDatabase",
    "bind_tables",
    "check_url",
    "check_urls",
    "close_pool",
    "create_engine",
    "describe",
    "is_database_away",
    "is_passing",
    "is_pooled",
    "migrate",
    "open_pool",
    "pending",
    "retry_conflicts",
    "unavailable",
]
