"""Piccolo's engine over a pool that fails fast, recovers by itself, and leaks nothing.

Every wait is bounded, an error ends the transaction whatever it was, the next use opens a new
connection (see ``pool``, ``transaction`` and ``connecting``).
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg
from asyncpg.pool import Pool as AsyncpgPool
from piccolo.engine.postgres import PostgresEngine

from delivery.postgres import connecting
from delivery.postgres.dicts import dicts_of
from delivery.postgres.errors import DatabaseBusy
from delivery.postgres.pool import ANSWER_TIMEOUT, COMMAND_TIMEOUT, make_pool
from delivery.postgres.transaction import Transaction
from delivery.postgres.url import check_url, parse

logger = logging.getLogger(__name__)

# PostgreSQL would go on planning a statement at each run where it takes a plan for the given values
# to be a little cheaper: for a page's LIMIT, which is a third of what the page costs it.
_PREPARED_ONCE: Final = {"plan_cache_mode": "force_generic_plan"}


class Engine(PostgresEngine):
    """Piccolo's engine, connecting to nothing by itself, with transactions of its own.

    ``direct_url`` is an address of the same database whose connections keep their session, where
    the first one leads to a pooler. ``schema`` is where the tables are, whatever the user is called
    and whichever search path he has.
    """

    def __init__(
        self,
        url: str,
        connection_class: type[asyncpg.Connection],
        direct_url: str | None = None,
        schema: str = "public",
    ) -> None:
        self.schema = schema
        self.url = check_url(url)
        self.direct_url = None if direct_url is None else check_url(direct_url)
        self._connection_class = connection_class
        super().__init__(config={"dsn": self.url})

    async def check_version(self) -> None:
        """Piccolo would connect here, in the constructor, and print when it cannot."""

    def transaction(self, allow_nested: bool = True) -> Transaction:
        return Transaction(engine=self, allow_nested=allow_nested)

    async def get_new_connection(self) -> asyncpg.Connection:
        """What Piccolo uses where there is no pool: as the pool's connections."""
        return await self._connect(self.url, connection_class=self._connection_class)

    async def connect(
        self, *, session: Mapping[str, str] | None = None, **settings: Any
    ) -> asyncpg.Connection:
        """A connection of one's own, outside of the pool and of tracing, by the direct address.

        For LISTEN, the relay, migrations: what must not compete with requests for the pool.
        `session` are server settings, which hold where there is a session (see
        ``connecting.is_pooled``); `settings` go to asyncpg.connect (command_timeout).
        Raises DatabaseAway, DatabaseBusy, UnfitDatabase.
        """
        address = self.direct_url or self.url
        promised = self.direct_url is not None
        return await self._connect(address, session=session, has_session=promised, **settings)

    async def _connect(self, address: str, **settings: Any) -> asyncpg.Connection:
        try:
            return await connecting.connect(address, **settings)
        except asyncpg.TooManyConnectionsError as error:
            raise DatabaseBusy(str(error)) from error
        except connecting.CANNOT_CONNECT as error:
            raise connecting.away(address, error) from error

    async def answers(self) -> bool:
        """Whether the server lets us in just now. Raises what keeps it from that."""
        address = parse(self.direct_url or self.url)
        connection = await asyncpg.connect(address.dsn, timeout=ANSWER_TIMEOUT, **address.arguments)
        connection.terminate()
        return True

    def transform_response_to_dicts(self, results: Sequence[Any]) -> list[dict[str, Any]]:
        """What Piccolo makes of all rows, in half the time."""
        return dicts_of(results)

    async def _run_in_pool(self, query: str, args: Sequence[Any] | None = None) -> Any:
        assert self.pool is not None
        return await self.pool.fetch(query, *(args or ()))


def create_engine(
    url: str,
    connection_class: type[asyncpg.Connection] = asyncpg.Connection,
    direct_url: str | None = None,
    schema: str = "public",
) -> Engine:
    """The engine for a DATABASE_URL; connects to nothing yet. Raises ValueError (see `check_url`).

    Pass `telemetry.database.TracedConnection` to have a span per statement.
    """
    return Engine(url, connection_class, direct_url, schema)


async def open_pool(
    engine: Engine, *, max_size: int = 10, command_timeout: float = COMMAND_TIMEOUT
) -> AsyncpgPool:
    """Give the engine its pool, and return it. Opens no connection: the database may be away.

    `command_timeout` is in seconds per statement. A consumer, which nobody waits for, may take a
    longer one than a request.
    """
    engine.pool = await make_pool(
        max_size,
        engine.url,
        engine.answers,
        command_timeout=command_timeout,
        connection_class=engine._connection_class,
        session=_PREPARED_ONCE,
    )
    return engine.pool


async def open_private_pool(
    engine: Engine, *, max_size: int, session: Mapping[str, str]
) -> AsyncpgPool:
    """A small pool beside the engine's, by the direct address: not traced, and not in competition
    with requests."""
    return await make_pool(
        max_size,
        engine.direct_url or engine.url,
        engine.answers,
        command_timeout=10.0,
        connection_class=asyncpg.Connection,
        session=session,
        has_session=engine.direct_url is not None,
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
