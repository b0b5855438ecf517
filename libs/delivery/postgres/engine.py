"""Piccolo's engine over an asyncpg pool that fails fast, recovers by itself, and leaks nothing.

Piccolo 1.38's own transaction keeps its connection for ever when BEGIN times out, and when COMMIT
fails it leaves the dead transaction in the task's context, so that a retry in that task joins it.
asyncpg's pool waits without limit for a free connection and spends a round trip on resetting each
one. Here: every wait is bounded, an error ends the transaction whatever it was, the next use opens
a new connection, and there is no reset; so set no session state (SET, LISTEN, session locks) on a
pooled connection.
"""

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Any

import asyncpg
from asyncpg.pool import Pool as AsyncpgPool
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from delivery.postgres.errors import DatabaseAway, is_database_away
from delivery.postgres.url import check_url, describe

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 1.5
"""Seconds for a connection to be made, or to come free: with COMMAND_TIMEOUT and RELEASE_TIMEOUT
it adds up to the 5 s in which a request is told that the database is away."""
COMMAND_TIMEOUT = 3.0
"""Seconds for one statement, unless the statement or the pool says otherwise."""
RELEASE_TIMEOUT = 0.5
"""Seconds that a connection gets to end what was cancelled on it before it is closed instead."""

_CANNOT_CONNECT = (
    OSError,  # refused, no route, no such socket or host; TimeoutError too
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
# To a start, a mistake in a setting. To a service that runs, a server that is not the one it was:
# its password was changed, or it is being restored. No request and no record is to blame.
_NOT_ADMITTED = (
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28, wrong passwords included
    asyncpg.InvalidCatalogNameError,
)


class Pool(AsyncpgPool):  # type: ignore[misc]  # asyncpg has no types
    """asyncpg's pool with a limit on every wait, and one error for "no connection to be had"."""

    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109 - asyncpg's signature
        # Both forms of acquire() come here. A wait with a limit costs a task: none is needed while
        # a connection is idle (should that one turn out dead, connecting has its own limit).
        limit = timeout if timeout is not None else CONNECT_TIMEOUT
        try:
            return await super()._acquire(None if self.get_idle_size() else limit)
        except (*_CANNOT_CONNECT, *_NOT_ADMITTED) as error:
            raise DatabaseAway(f"no connection to PostgreSQL: {_reason(error)}") from error

    async def release(
        self,
        connection: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> None:
        try:
            await super().release(connection, timeout=timeout or RELEASE_TIMEOUT)
        except Exception as error:  # noqa: BLE001 - whatever it is, it comes second
            # asyncpg has closed what it could not release. What happened before is what counts, and
            # it may be a cancellation: in its place, a time-out would be taken for one that passes.
            logger.debug("a connection was closed instead of released: %r", error)


class Transaction(PostgresTransaction):
    """BEGIN to COMMIT on one connection, which is given back whatever happens."""

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        pool = self.engine.pool
        self.connection = await (pool.acquire() if pool else self.engine.get_new_connection())
        try:
            self.transaction = self.connection.transaction()
            await self.transaction.start()
        except BaseException as error:
            await self._give_back(error)
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if self._parent is not None:
            return False
        failure = error
        try:
            if error is not None:
                await self._undo(error)
            elif not self._committed and not self._rolled_back:
                await self.transaction.commit()
        except BaseException as raised:
            failure = raised
            raise
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._give_back(failure)
        return False

    async def _undo(self, error: BaseException) -> None:
        if self._rolled_back or self._committed or is_database_away(error):
            return  # nothing to roll back, or nobody to ask: the closed connection ends it
        try:
            await self.transaction.rollback()
        except Exception as second:  # noqa: BLE001 - whatever it is, it comes second
            # The first error is the one to report; PostgreSQL rolls back what it lost sight of.
            logger.debug("rollback failed: %r", second)
            self._cut()

    async def _give_back(self, error: BaseException | None) -> None:
        if error is not None and is_database_away(error):
            # Its state is unknown (a COMMIT may be under way): closing it is quick and certain.
            self._cut()
        try:
            if self.engine.pool:
                await self.engine.pool.release(self.connection)
            else:
                await self.connection.close()
        except Exception as second:  # noqa: BLE001 - as above
            # asyncpg has closed what it could not release; what happened before is what counts.
            logger.debug("a connection was closed instead of released: %r", second)

    def _cut(self) -> None:
        # A connection that was lost has left its pool already and is nobody's to close.
        with contextlib.suppress(asyncpg.InterfaceError):
            self.connection.terminate()


class Engine(PostgresEngine):
    """Piccolo's engine, connecting to nothing by itself, with the transactions above."""

    def __init__(self, url: str, connection_class: type[asyncpg.Connection]) -> None:
        self.url = url
        super().__init__(
            config={
                "dsn": check_url(url),
                "timeout": CONNECT_TIMEOUT,
                "connection_class": connection_class,
            }
        )

    async def check_version(self) -> None:
        """Piccolo would connect here, in the constructor, and print when it cannot."""

    def transaction(self, allow_nested: bool = True) -> Transaction:
        return Transaction(engine=self, allow_nested=allow_nested)

    async def connect(self, **settings: Any) -> asyncpg.Connection:
        """A connection of one's own, outside of the pool and of tracing.

        For LISTEN, the relay, migrations: what must not compete with requests for the pool.
        `settings` go to asyncpg.connect (command_timeout, server_settings). Raises DatabaseAway.
        """
        try:
            return await asyncpg.connect(self.url, timeout=CONNECT_TIMEOUT, **settings)
        except _CANNOT_CONNECT as error:
            where = describe(self.url)
            raise DatabaseAway(f"no connection to {where}: {_reason(error)}") from error


def create_engine(
    url: str, connection_class: type[asyncpg.Connection] = asyncpg.Connection
) -> Engine:
    """The engine for a DATABASE_URL; connects to nothing yet. Raises ValueError (see `check_url`).

    Pass `telemetry.database.TracedConnection` to have a span per statement.
    """
    return Engine(url, connection_class)


async def open_pool(
    engine: Engine, *, max_size: int = 10, command_timeout: float = COMMAND_TIMEOUT
) -> AsyncpgPool:
    """Give the engine its pool, and return it. Opens no connection: the database may be away.

    `command_timeout` is in seconds per statement. A consumer, which nobody waits for, may take a
    longer one than a request.
    """
    engine.pool = await _pool(max_size, command_timeout=command_timeout, **engine.config)
    return engine.pool


async def open_private_pool(
    engine: Engine, *, max_size: int, server_settings: dict[str, str]
) -> AsyncpgPool:
    """A small pool beside the engine's: not traced, and not in competition with requests."""
    config = engine.config | {"connection_class": asyncpg.Connection}
    return await _pool(max_size, command_timeout=10.0, server_settings=server_settings, **config)


async def _pool(max_size: int, **settings: Any) -> AsyncpgPool:
    return await Pool(
        min_size=0,
        max_size=max_size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        reset=_keep_session,
        loop=asyncio.get_running_loop(),
        record_class=asyncpg.Record,
        **settings,
    )


async def close_pool(engine: Engine, grace: float = 5.0) -> None:
    """Close the pool: waits up to `grace` seconds for connections in use, then cuts them."""
    pool, engine.pool = engine.pool, None
    if pool is None:
        return
    try:
        async with asyncio.timeout(grace):
            await pool.close()
    except TimeoutError:
        logger.warning("connections still in use after %s s were cut", grace)


async def _keep_session(connection: asyncpg.Connection) -> None:
    """In place of asyncpg's reset (a round trip each time): there is no session state to undo."""


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer or no free connection in time"
    return str(error) or type(error).__name__
