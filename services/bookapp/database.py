"""bookapp's database from "not there yet" to ready, without anybody waiting for it.

The process starts and serves while PostgreSQL is away: the routes that need it answer 503, and
``/health/ready`` says why, until it has come and its migrations have run. From then on the pool
recovers by itself.
"""

import asyncio
import contextlib
import logging
from typing import Final

import asyncpg
from asyncpg.pool import Pool

from delivery.postgres import (
    DatabaseAway,
    Engine,
    bind_tables,
    close_pool,
    is_database_away,
    migrate,
    open_pool,
)
from telemetry.database import observe_pool

APPS: Final = ("delivery.outbox_app.piccolo_app", "bookapp.piccolo_app")
"""Piccolo's apps in the order of their migrations: the catalogue needs the outbox."""

PING_TIMEOUT: Final = 1.0
_RETRY: Final = 1.0  # seconds between two attempts to get ready
_TABLES: Final = "SELECT to_regclass('outbox') IS NOT NULL AND to_regclass('books') IS NOT NULL"

logger = logging.getLogger(__name__)


class MigrationsMissing(Exception):
    """The tables are not there, and making them is left to somebody else."""


class Database:
    """Opens and closes the engine's pool, migrates, and knows what is missing."""

    def __init__(self, engine: Engine, *, pool_size: int, migrate_at_start: bool) -> None:
        self.engine = engine
        self._pool_size = pool_size
        self._migrate_at_start = migrate_at_start
        self._missing: str | None = "PostgreSQL has not been reached yet"
        self._pool: Pool | None = None
        self._ready = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None

    async def start(self, wait: float) -> None:
        """Begin to get ready; returns when it is, after ``wait`` seconds at the latest."""
        self._opening = asyncio.create_task(self._open(), name="open the database")
        await asyncio.wait([self._opening], timeout=wait)

    async def ready(self) -> None:
        """Wait until it is ready, for as long as that takes."""
        await self._ready.wait()

    async def stop(self, grace: float) -> None:
        """Close the pool, cutting after ``grace`` seconds what is still in use."""
        if self._opening is not None:
            self._opening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._opening
        await close_pool(self.engine, grace)

    def require(self) -> None:
        """Raises DatabaseAway until the database is there with all its tables."""
        if self._missing is not None:
            raise DatabaseAway(self._missing)

    async def why_unready(self) -> str | None:
        """What is missing just now, asking PostgreSQL; None when nothing is."""
        if self._missing is not None or self._pool is None:
            return self._missing or "stopping"
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await self._pool.fetchval("SELECT 1", timeout=PING_TIMEOUT / 2)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            logger.debug("not ready: %r", error)
            return "PostgreSQL does not answer"
        return None

    async def _open(self) -> None:
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

    async def _prepare(self) -> None:
        if self._pool is None:
            self._pool = await open_pool(self.engine, max_size=self._pool_size)
            observe_pool(self._pool, "bookapp")
        if self._migrate_at_start:
            await migrate(self.engine, APPS, wait=0)
            return
        bind_tables(self.engine, APPS)
        if not await self._pool.fetchval(_TABLES):
            raise MigrationsMissing("the migrations have not run: python -m bookapp.migrate")

    def _note(self, error: Exception) -> None:
        """Keep the reason; log it when it is a new one."""
        # The log names the host and the user; the answer to a stranger does not.
        if isinstance(error, MigrationsMissing):
            missing = str(error)
        elif is_database_away(error):
            missing = "PostgreSQL does not answer"
        elif isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
            missing = "PostgreSQL refuses the user or the password"
        elif isinstance(error, asyncpg.InvalidCatalogNameError):
            missing = "PostgreSQL has no such database"
        else:
            missing = "the migrations failed"
        if missing != self._missing:
            self._missing = missing
            logger.warning("not ready: %s (%s)", missing, error)
