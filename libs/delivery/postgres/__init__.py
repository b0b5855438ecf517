"""PostgreSQL as both services use it: engine and pool, transactions, migrations, what "away" means,
and how a service gets ready whenever PostgreSQL comes.

Piccolo's engine is kept, and hardened where a lost or silent database would leak connections or
leave a task inside a dead transaction (see `engine`).
"""

from delivery.postgres.database import Database
from delivery.postgres.engine import Engine, close_pool, create_engine, open_pool
from delivery.postgres.errors import AWAY_ERRORS, DatabaseAway, is_database_away
from delivery.postgres.migrations import MigrationError, bind_tables, migrate, pending
from delivery.postgres.url import check_url, describe

__all__ = [
    "AWAY_ERRORS",
    "Database",
    "DatabaseAway",
    "Engine",
    "MigrationError",
    "bind_tables",
    "check_url",
    "close_pool",
    "create_engine",
    "describe",
    "is_database_away",
    "migrate",
    "open_pool",
    "pending",
]
