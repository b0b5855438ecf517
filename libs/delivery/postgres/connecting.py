"""A connection that is right for what is at the other end: PostgreSQL itself, or a pooler.

A pooler (PgBouncer, Odyssey, PgCat) may give each transaction another of PostgreSQL's sessions, so
that what belongs to a session is lost or somebody else's: prepared statements, LISTEN, settings,
session locks. It is found out when connecting: the process that answers is not the one that the
connection was made to. Behind one, each statement is prepared for one use, and no setting is made.
Whoever needs a session gives an address that promises one (DATABASE_DIRECT_URL).

Session settings are made by a statement, not with the connection: poolers refuse to connect when
they are told settings that they do not know.
"""

import socket
from collections.abc import Mapping
from typing import Any, Final

import asyncpg

from delivery.postgres.errors import DatabaseAway, UnfitDatabase
from delivery.postgres.url import describe, parse

CONNECT_TIMEOUT: Final = 1.5
"""Seconds for a connection to be made, or to come free: with COMMAND_TIMEOUT and RELEASE_TIMEOUT
it adds up to the 5 s in which a request is told that the database is away."""

CANNOT_CONNECT: Final = (
    OSError,  # refused, no route, no such socket or host; TimeoutError too
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
)

# Transactions that state no level, and statements outside of any, run at this one.
_SESSION: Final = {"default_transaction_isolation": "read committed"}

_LOOK: Final = """
SELECT pg_backend_pid() = $1 AS direct, current_setting('server_encoding') AS encoding, (
    SELECT count(set_config(name, value, false))
    FROM unnest($3::text[], $4::text[]) AS setting (name, value)
    WHERE $2 OR pg_backend_pid() = $1
) AS settings
"""


async def connect(
    url: str,
    *,
    session: Mapping[str, str] | None = None,
    has_session: bool = False,
    timeout: float | None = None,  # noqa: ASYNC109 - asyncpg's own
    **settings: Any,
) -> asyncpg.Connection:
    """A new connection, in which ``session``'s settings hold where there is a session to set.

    ``has_session`` promises that there is one, whatever is in between. ``timeout`` is the URL's
    ``connect_timeout`` when not given, or else ``CONNECT_TIMEOUT``. ``settings`` go to
    ``asyncpg.connect``.

    Raises:
        UnfitDatabase: the database's encoding is not UTF-8.
        OSError, asyncpg.PostgresError: it could not be made; see ``CANNOT_CONNECT``.
    """
    address = parse(url)
    timeout = timeout or address.timeout or CONNECT_TIMEOUT
    connection = await asyncpg.connect(
        address.dsn, timeout=timeout, **address.arguments, **settings
    )
    try:
        _keep_alive(connection, address.socket_options)
        await _settle(connection, {**_SESSION, **(session or {})}, has_session, timeout)
    except BaseException:
        connection.terminate()
        raise
    return connection


def is_pooled(connection: asyncpg.Connection) -> bool:
    """Whether a pooler is between, so that nothing may be left in the session."""
    return not connection._stmt_cache_enabled


def away(url: str, error: BaseException) -> DatabaseAway:
    """Why there is no connection, in one line that names the host and no secret."""
    return DatabaseAway(f"no connection to {describe(url)}: {reason(error)}")


def reason(error: BaseException) -> str:
    """An error of connecting in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer or no free connection in time"
    return str(error) or type(error).__name__


def _keep_alive(connection: asyncpg.Connection, options: tuple[tuple[int, int, int], ...]) -> None:
    """Have the system notice that the other end is gone, as libpq does."""
    used = connection._transport.get_extra_info("socket")
    if used.family != socket.AF_UNIX:
        for option in options:
            used.setsockopt(*option)


async def _settle(
    connection: asyncpg.Connection, session: Mapping[str, str], has_session: bool, timeout_s: float
) -> None:
    # An unnamed statement, which no pooler can mix up; and not through a subclass, whose spans
    # would tell of it in the trace of whichever request came first.
    look = await asyncpg.Connection.prepare(connection, _LOOK, name="", timeout=timeout_s)
    found = await look.fetchrow(
        connection.get_server_pid(),
        has_session,
        list(session),
        list(session.values()),
        timeout=timeout_s,
    )
    if found["encoding"] != "UTF8":
        raise UnfitDatabase(
            f"the database's encoding is {found['encoding']}, in which not every title can be"
            " written; it has to be UTF8"
        )
    if not (has_session or found["direct"]):
        # There is no public way to say so once connected; `is_pooled` reads it.
        connection._stmt_cache_enabled = False
