"""backend's database from "not there yet" to ready, without anybody waiting for it.

The worker starts and serves HTTP while PostgreSQL is away: the routes answer 503, ``/health/ready``
says why, and Kafka is not touched until the migrations have run. From then on the pool recovers by
itself.
"""

import asyncio
import logging
from typing import Any, Final

import asyncpg
from mode import Service

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

APPS: Final = ("backend.piccolo_app",)

_PING_S: Final = 1.0
_RETRY_S: Final = 1.0
_CLOSE_S: Final = 3.0
_MIGRATED: Final = "SELECT to_regclass('backend.book') IS NOT NULL"

logger = logging.getLogger(__name__)


class Database(Service):
    """The pool: open from before the first request until after the last record."""

    def __init__(self, engine: Engine, pool_size: int) -> None:
        super().__init__()
        self.engine = engine
        self.missing: str | None = "PostgreSQL has not been reached yet"
        self._pool_size = pool_size

    async def on_start(self) -> None:
        """Open the pool, which connects to nothing yet."""
        pool = await open_pool(self.engine, max_size=self._pool_size)
        observe_pool(pool, "backend")

    async def on_stop(self) -> None:
        """Close the pool, cutting after a few seconds what is still in use."""
        await close_pool(self.engine, _CLOSE_S)

    def pool(self) -> "asyncpg.Pool[Any]":
        """The pool. Raises DatabaseAway until there are tables to read and write."""
        if self.missing is not None:
            raise DatabaseAway(self.missing)
        if self.engine.pool is None:
            raise DatabaseAway("the process is stopping")
        return self.engine.pool

    async def why_unready(self) -> str | None:
        """What is missing just now, asking PostgreSQL; None when nothing is."""
        try:
            async with asyncio.timeout(_PING_S):
                await self.pool().fetchval("SELECT 1")
        except DatabaseAway as error:
            return str(error)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            logger.debug("not ready: %r", error)
            return "PostgreSQL does not answer"
        return None


class Migrations(Service):
    """Starts when the database is there with its tables, however long that takes.

    What is started after it finds a database that can be used.
    """

    def __init__(self, database: Database, migrate_at_start: bool) -> None:
        super().__init__()
        self._database = database
        self._migrate_at_start = migrate_at_start

    async def on_start(self) -> None:
        """Wait, migrate, or find that somebody has; ends early when told to stop."""
        while not self.should_stop:
            try:
                await self._prepare(self._database.engine)
            except Exception as error:  # noqa: BLE001  # whatever it is, the service stays and says so
                self._note(error)
                await self.sleep(_RETRY_S)
            else:
                self._database.missing = None
                logger.info("the database is ready")
                return

    async def _prepare(self, engine: Engine) -> None:
        if self._migrate_at_start:
            await migrate(engine, APPS, wait=0)
            return
        bind_tables(engine, APPS)
        connection = await engine.connect()
        try:
            migrated = await connection.fetchval(_MIGRATED)
        finally:
            connection.terminate()
        if not migrated:
            raise DatabaseAway("the migrations have not run: python -m backend.migrate")

    def _note(self, error: Exception) -> None:
        """Keep the reason; log it when it is a new one."""
        if is_database_away(error):
            missing = str(error) or type(error).__name__
        elif isinstance(error, asyncpg.PostgresError):
            missing = f"PostgreSQL refuses: {error}"  # a password, a database that is not there
        else:
            missing = "the migrations failed; see the log"
        if missing != self._database.missing:
            self._database.missing = missing
            known = isinstance(error, asyncpg.PostgresError) or is_database_away(error)
            logger.warning("not ready: %s", missing, exc_info=None if known else error)
