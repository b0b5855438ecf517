"""A service's database from "not there yet" to ready, without anybody waiting for it.

The process starts and serves while PostgreSQL is away: what needs the database is refused with
``DatabaseAway``, and ``why_unready`` says what is missing, until it has come and its migrations
have run. From then on the pool recovers by itself.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import asyncpg
from asyncpg.pool import Pool

from delivery.postgres.engine import Engine, close_pool, open_pool
from delivery.postgres.errors import (
    AWAY_ERRORS,
    DatabaseAway,
    DatabaseBusy,
    UnfitDatabase,
    is_database_away,
    is_database_busy,
)
from delivery.postgres.migrations import MigrationError, bind_tables, migrate, pending
from telemetry.database import observe_pool

PING_TIMEOUT: Final = 1.0
_RETRY: Final = 1.0  # seconds between two attempts to get ready

logger = logging.getLogger(__name__)


class MigrationsMissing(Exception):
    """The tables are not there, and making them is left to somebody else."""


class Database:
    """Opens and closes an engine's pool, migrates, and knows what is missing.

    ``apps`` are Piccolo's, as in ``migrate``. ``name`` tells the pool apart in metrics. With
    ``migrate_at_start`` false the migrations are left to whoever runs ``command``.
    """

    def __init__(
        self,
        engine: Engine,
        apps: Sequence[str],
        *,
        name: str,
        pool_size: int,
        migrate_at_start: bool,
        command: str,
    ) -> None:
        self.engine = engine
        bind_tables(engine, apps)
        self._apps = apps
        self._name = name
        self._pool_size = pool_size
        self._migrate_at_start = migrate_at_start
        self._command = command
        self._missing: str | None = "PostgreSQL has not been reached yet"
        self._ready = asyncio.Event()

    async def open(self) -> None:
        """Open the pool, which connects to nothing yet."""
        observe_pool(await open_pool(self.engine, max_size=self._pool_size), self._name)

    async def prepare(self) -> None:
        """Get ready, however long that takes: wait for PostgreSQL and migrate, or find that
        somebody has. Raises nothing; cancel it to give up."""
        while True:
            try:
                await self._prepare()
            except Exception as error:  # noqa: BLE001 - whatever it is, the service stays and says so
                self._note(error)
                await asyncio.sleep(_RETRY)
            else:
                self._missing = None
                self._ready.set()
                logger.info("the database is ready")
                return

    async def ready(self) -> None:
        """Wait until ``prepare`` is done."""
        await self._ready.wait()

    async def close(self, grace: float) -> None:
        """Close the pool, cutting after ``grace`` seconds what is still in use."""
        await close_pool(self.engine, grace)

    def pool(self) -> Pool:
        """The pool. Raises DatabaseAway until there are tables to read and write."""
        if self._missing is not None:
            raise DatabaseAway(self._missing)
        if self.engine.pool is None:
            raise DatabaseAway("the process is stopping")
        return self.engine.pool

    async def why_unready(self) -> str | None:
        """What is missing just now, asking PostgreSQL; None when nothing is."""
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await self.pool().fetchval("SELECT 1", timeout=PING_TIMEOUT / 2)
        except UnfitDatabase as error:
            return str(error)
        except (
            *(asyncpg.PostgresError, asyncpg.InterfaceError, OSError),
            *(DatabaseBusy, *AWAY_ERRORS),
        ) as error:
            logger.debug("not ready: %r", error)
            busy = is_database_busy(error)
            return self._missing or f"PostgreSQL {'is too busy' if busy else 'does not answer'}"
        return None

    async def _prepare(self) -> None:
        if self._migrate_at_start:
            await migrate(self.engine, self._apps, wait=0)
        elif await pending(self.engine, self._apps):
            raise MigrationsMissing(f"the migrations have not run: {self._command}")

    def _note(self, error: Exception) -> None:
        """Keep the reason; log it when it is a new one."""
        # The log names the host and the user; the answer to a stranger does not.
        unexpected = None
        if isinstance(error, MigrationsMissing | UnfitDatabase):
            missing = str(error)
        elif is_database_busy(error):
            missing = "PostgreSQL has no connection left for us"
        elif is_database_away(error):
            missing = "PostgreSQL does not answer"
        elif isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
            missing = "PostgreSQL refuses the user or the password"
        elif isinstance(error, asyncpg.InvalidCatalogNameError):
            missing = "PostgreSQL has no such database"
        else:
            missing = "the migrations failed"
            if not isinstance(error, MigrationError | asyncpg.PostgresError):
                unexpected = error
        if missing != self._missing:
            self._missing = missing
            logger.warning("not ready: %s (%s)", missing, error, exc_info=unexpected)
