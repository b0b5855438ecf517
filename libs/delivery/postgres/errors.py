"""What "the database is away" means: the failures that pass when PostgreSQL comes back.

A request that meets one answers 503, a consumer waits and tries again, the relay stands still.
Everything else (a constraint, a value out of range, wrong SQL) is somebody's mistake and stays one.
"""

import asyncpg


class DatabaseAway(ConnectionError):
    """No connection could be had: refused, unreachable, starting up, silent, or all in use."""


AWAY_ERRORS: tuple[type[Exception], ...] = (
    DatabaseAway,
    asyncpg.PostgresConnectionError,  # class 08: lost while a statement ran
    asyncpg.OperatorInterventionError,  # class 57: shutting down, crashed, cannot connect now
    asyncpg.InsufficientResourcesError,  # class 53: disk full, out of memory, too many connections
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until it is promoted
    # asyncpg's word for a connection whose server has just said goodbye; see the tests.
    asyncpg.InternalClientError,
    TimeoutError,  # a statement outlived its command_timeout
)
"""What to map to 503. `is_database_away` knows one more, which has no type of its own."""


def is_database_away(error: BaseException) -> bool:
    """Whether the failure says that PostgreSQL is away, full, or silent: passing, worth a retry."""
    if isinstance(error, asyncpg.InterfaceError):
        # asyncpg says "the connection is lost" and "you misuse me" with the same type; its
        # subclasses (a value that does not fit its parameter) are always the caller's mistake.
        said = str(error)
        lost = "closed" in said or "released back to the pool" in said
        return lost and type(error) is asyncpg.InterfaceError
    return isinstance(error, AWAY_ERRORS)
