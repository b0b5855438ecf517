"""Whose fault a failure of PostgreSQL is: the one list that requests, relay and handlers share.

Four kinds say nothing against the work that met them, and go by themselves or with an operator's
help: PostgreSQL is away; it is there and too busy; two transactions were in each other's way; or
what lies between (a pooler, a restore, a revoked grant) took something away that was there. A
request that meets one answers 503, a consumer keeps the record and tries again, the relay stands
still. Everything else (a constraint, a value out of range) is somebody's mistake and stays one.
"""

from typing import Final

import asyncpg


class DatabaseAway(ConnectionError):
    """No connection could be had: refused, unreachable, starting up, or silent."""


class DatabaseBusy(Exception):
    """PostgreSQL answers, and has too much to do: no connection came free, or a statement took
    longer than it may."""


class UnfitDatabase(Exception):
    """The database can be reached and cannot be used as it is; the text says what it lacks."""


AWAY_ERRORS: Final[tuple[type[Exception], ...]] = (
    DatabaseAway,
    asyncpg.PostgresConnectionError,  # class 08: lost while a statement ran; a pooler's own errors
    asyncpg.OperatorInterventionError,  # class 57: shutting down, crashed, cannot connect now
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until it is promoted
    # asyncpg's word for a connection whose server has just said goodbye; see the tests.
    asyncpg.InternalClientError,
    TimeoutError,  # a statement outlived its command_timeout, and nobody knows why
)
_BUSY: Final = (
    DatabaseBusy,
    asyncpg.InsufficientResourcesError,  # class 53: too many connections, out of memory, disk full
    asyncpg.QueryCanceledError,  # a statement_timeout of the server's
    asyncpg.LockNotAvailableError,
    asyncpg.ObjectInUseError,
)
# A pooler says everything with one code, 08P01.
_POOLER_IS_BUSY: Final = ("query_wait_timeout", "no more connections allowed", "too many")
_CONFLICTS: Final = (asyncpg.TransactionRollbackError,)  # class 40: deadlocks, serialisation
# The session is not the one that was left: a pooler gave another, or it was reset.
_SESSION_LOST: Final = (
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.DuplicatePreparedStatementError,
    asyncpg.InvalidCursorNameError,
    asyncpg.DuplicateCursorError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.InvalidTransactionStateError,  # class 25
)
# What an operator repairs, for all statements at once: no text and no value of ours is wrong.
_NOT_AS_LEFT: Final = (
    UnfitDatabase,
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28: a password was changed
    asyncpg.InvalidCatalogNameError,  # the database is being restored, or its schema,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedTableError,  # or its tables
    asyncpg.InsufficientPrivilegeError,
    asyncpg.PostgresSystemError,  # class 58: the server's files and disks
    asyncpg.InternalServerError,  # class XX
)


def is_database_away(error: BaseException) -> bool:
    """Whether the failure says that PostgreSQL is away or silent: worth a retry when it is back."""
    if isinstance(error, asyncpg.InterfaceError):
        # asyncpg says "the connection is lost" and "you misuse me" with the same type; its
        # subclasses (a value that does not fit its parameter) are always the caller's mistake.
        said = str(error)
        lost = "closed" in said or "released back to the pool" in said
        return lost and type(error) is asyncpg.InterfaceError
    return isinstance(error, AWAY_ERRORS) and not is_database_busy(error)


def is_database_busy(error: BaseException) -> bool:
    """Whether PostgreSQL is there and has no connection, lock, memory or time left for this."""
    if isinstance(error, asyncpg.ProtocolViolationError):
        return any(words in str(error) for words in _POOLER_IS_BUSY)
    return isinstance(error, _BUSY)


def is_conflict(error: BaseException) -> bool:
    """Whether two transactions were in each other's way (class 40): the same again may do."""
    return isinstance(error, _CONFLICTS)


def is_session_lost(error: BaseException) -> bool:
    """Whether what the session held (a prepared statement, a transaction) is not there any more."""
    return isinstance(error, _SESSION_LOST) and not is_database_away(error)


def is_passing(error: BaseException) -> bool:
    """Whether the failure is none of the work's that met it: kept and tried again, it succeeds
    when PostgreSQL, or the operator, is ready."""
    return (
        is_database_away(error)
        or is_database_busy(error)
        or is_conflict(error)
        or is_session_lost(error)
        or isinstance(error, _NOT_AS_LEFT)
    )


def unavailable(error: BaseException) -> str | None:
    """What to tell a client with a 503, in one sentence; None for what is a mistake (500)."""
    if is_database_away(error):
        return "The database is away; try again."
    if is_database_busy(error):
        return "The database is busy; try again."
    if is_conflict(error):
        return "Other changes were in the way of this one; try again."
    if is_session_lost(error):
        return "The connection to the database was lost; try again."
    return None
