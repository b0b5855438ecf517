"""asyncpg's pool with a limit on every wait, which knows a busy server from one that is away.

asyncpg's own waits without limit for a free connection and spends a round trip on resetting each
one. Here there is no reset: set no session state (SET, LISTEN, session locks) on a pooled
connection.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import asyncpg
from asyncpg.pool import Pool as AsyncpgPool

from delivery.postgres.connecting import CANNOT_CONNECT, CONNECT_TIMEOUT, connect, reason
from delivery.postgres.errors import DatabaseAway, DatabaseBusy

logger = logging.getLogger(__name__)

COMMAND_TIMEOUT: Final = 3.0
"""Seconds for one statement, unless the statement or the pool says otherwise."""
RELEASE_TIMEOUT: Final = 0.5
"""Seconds that a connection gets to end what was cancelled on it before it is closed instead."""
ANSWER_TIMEOUT: Final = 0.75
"""Seconds in which a server that is only busy lets somebody in."""

# To a start, a mistake in a setting. To a service that runs, a server that is not the one it was:
# its password was changed, or it is being restored. No request and no record is to blame.
_NOT_ADMITTED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28, wrong passwords included
    asyncpg.InvalidCatalogNameError,
)

Answers = Callable[[], Awaitable[bool]]


class Pool(AsyncpgPool):  # type: ignore[misc]  # asyncpg has no types
    """A pool whose waits end in ``DatabaseAway`` or ``DatabaseBusy``.

    ``answers`` says whether the server lets anybody in just now.
    """

    def __init__(self, *args: Any, answers: Answers, **options: Any) -> None:
        super().__init__(*args, **options)
        self._answers = answers
        self._asking: asyncio.Task[bool] | None = None

    async def explained(self, error: TimeoutError) -> Exception:
        """What a time-out means: ``DatabaseBusy`` when the server answers somebody else, or else
        the time-out itself. Asked once for all who want to know at the same time."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        if await asyncio.shield(self._asking):
            return DatabaseBusy("PostgreSQL answers, and has not got this done in time")
        return error

    async def fetch(self, *args: Any, **options: Any) -> Any:
        return await self._run(super().fetch(*args, **options))

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        return await self._run(super().fetchval(*args, **options))

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        return await self._run(super().fetchrow(*args, **options))

    async def execute(self, *args: Any, **options: Any) -> Any:
        return await self._run(super().execute(*args, **options))

    async def _run(self, statement: Awaitable[Any]) -> Any:
        try:
            return await statement
        except TimeoutError as error:
            raise await self.explained(error) from error

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await self._answers()
        except asyncpg.TooManyConnectionsError:
            return True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109 - asyncpg's signature
        # Both forms of acquire() come here. A wait with a limit costs a task: none is needed while
        # a connection is idle (should that one turn out dead, connecting has its own limit).
        limit = timeout if timeout is not None else CONNECT_TIMEOUT
        try:
            return await super()._acquire(None if self.get_idle_size() else limit)
        except TimeoutError as error:
            what = await self.explained(error)
            if isinstance(what, DatabaseBusy):
                raise DatabaseBusy("no connection came free in time") from error
            raise self._away(error) from error
        except asyncpg.TooManyConnectionsError as error:
            raise DatabaseBusy(f"no connection to PostgreSQL: {error}") from error
        except (*CANNOT_CONNECT, *_NOT_ADMITTED) as error:
            raise self._away(error) from error

    def _away(self, error: BaseException) -> DatabaseAway:
        return DatabaseAway(f"no connection to PostgreSQL: {reason(error)}")

    async def release(
        self,
        connection: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> None:
        # asyncpg's own, without a task around its last step. It rarely has anything to wait for;
        # should it be cancelled then, the connection is closed.
        if connection._con is None:
            return
        try:
            connection._con._on_release()
            await connection._holder.release(timeout or RELEASE_TIMEOUT)
        except Exception as error:  # noqa: BLE001 - whatever it is, it comes second
            # asyncpg has closed what it could not release. What happened before is what counts, and
            # it may be a cancellation: in its place, a time-out would be taken for one that passes.
            logger.debug("a connection was closed instead of released: %r", error)


async def make_pool(max_size: int, url: str, answers: Answers, **settings: Any) -> Pool:
    """A pool that connects to nothing yet; ``settings`` go to ``connecting.connect``."""
    pool: Pool = await Pool(
        min_size=0,
        max_size=max_size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        reset=_keep_session,
        loop=asyncio.get_running_loop(),
        record_class=asyncpg.Record,
        connect=partial(connect, url),
        answers=answers,
        **settings,
    )
    return pool


async def _keep_session(connection: asyncpg.Connection) -> None:
    """In place of asyncpg's reset (a round trip each time): there is no session state to undo."""
