"""Piccolo's transaction, which states its isolation level and gives its connection back.

Piccolo 1.38's own keeps its connection for ever when BEGIN times out, and when COMMIT fails it
leaves the dead transaction in the task's context, so that a retry in that task joins it.
"""

import contextlib
import logging
from types import TracebackType

import asyncpg
from piccolo.engine.postgres import PostgresTransaction

from delivery.postgres.errors import is_database_away
from delivery.postgres.pool import Pool

logger = logging.getLogger(__name__)


class Transaction(PostgresTransaction):
    """BEGIN to COMMIT at READ COMMITTED, whatever the server's default is, on one connection,
    which is given back whatever happens."""

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        pool = self.engine.pool
        self.connection = await (pool.acquire() if pool else self.engine.get_new_connection())
        try:
            self.transaction = self.connection.transaction(isolation="read_committed")
            await self.transaction.start()
        except BaseException as error:
            await self._give_back(error)
            await self._explain(error)
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
            await self._explain(failure)
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

    async def _explain(self, error: BaseException | None) -> None:
        """Raise what a time-out means, where the pool can tell."""
        if isinstance(error, TimeoutError) and isinstance(self.engine.pool, Pool):
            raise await self.engine.pool.explained(error) from error

    def _cut(self) -> None:
        # A connection that was lost has left its pool already and is nobody's to close.
        with contextlib.suppress(asyncpg.InterfaceError):
            self.connection.terminate()
