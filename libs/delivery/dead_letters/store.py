"""What the table of dead letters is asked, and what is noted in it.

Every statement takes the table's name, a plain one of the service's own. A connection, or a pool,
of asyncpg is passed in: the caller's transaction is the caller's.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from delivery.dead_letters.letters import Letter

STATES: Final = ("new", "redriven", "discarded")

_COLUMNS: Final = ", ".join(f'"{name}"' for name in Letter.__struct_fields__)
_LISTED: Final = (
    "id, error_type, error_message, attempts, failed_at, coalesce(trace_id, failed_trace_id)"
    " AS trace_id, state, redriven_to"
)
_ORDER: Final = 'topic, partition, "offset"'
_MATCHES: Final = (
    "(cardinality($1::text[]) = 0 OR id = ANY($1))"
    # A type's last name is enough: DecodeError for contracts.codec.DecodeError.
    " AND ($2::text IS NULL OR error_type = $2 OR right(error_type, length($2) + 1) = '.' || $2)"
    " AND ($3::text IS NULL OR state = $3)"
)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters: all that is given must hold. ``error_type`` may leave out the module."""

    ids: Sequence[str] = ()
    error_type: str | None = None
    state: str | None = None

    def arguments(self) -> tuple[Any, ...]:
        """For the statements here."""
        return list(self.ids), self.error_type, self.state


def insert(table: str) -> str:
    """The statement that adds a row, once: its arguments are a ``Letter``'s values."""
    values = ", ".join(f"${n}" for n in range(1, len(Letter.__struct_fields__) + 1))
    return f"INSERT INTO {table} ({_COLUMNS}) VALUES ({values}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - our own names


class Store:
    """Asks and changes one table."""

    def __init__(self, table: str) -> None:
        self._table = table

    async def find(self, connection: Any, wanted: Filter, limit: int | None = None) -> list[Any]:
        """The rows as they are listed, the latest ``limit`` of them, the latest last."""
        sql = (
            f"SELECT {_LISTED} FROM {self._table} WHERE {_MATCHES}"  # noqa: S608 - our own names
            " ORDER BY failed_at DESC, id DESC LIMIT $4"
        )
        rows: list[Any] = await connection.fetch(sql, *wanted.arguments(), limit)
        return rows[::-1]

    async def count(self, connection: Any, wanted: Filter) -> int:
        """How many there are."""
        sql = f"SELECT count(*) FROM {self._table} WHERE {_MATCHES}"  # noqa: S608 - our own names
        return int(await connection.fetchval(sql, *wanted.arguments()))

    async def get(self, connection: Any, letter_id: str) -> Any | None:
        """All of one row, and ``again``: the id under which its redrive was dead-lettered."""
        sql = (
            f"SELECT *, (SELECT min(a.id) FROM {self._table} a WHERE a.redriven_from = l.id)"  # noqa: S608 - our own names
            f" AS again FROM {self._table} l WHERE id = $1"
        )
        return await connection.fetchrow(sql, letter_id)

    async def ids(self, connection: Any, wanted: Filter) -> list[str]:
        """Their ids, in the order of their origins."""
        sql = f"SELECT id FROM {self._table} WHERE {_MATCHES} ORDER BY {_ORDER}"  # noqa: S608 - our own names
        return [row[0] for row in await connection.fetch(sql, *wanted.arguments())]

    async def claim(self, connection: Any, ids: Sequence[str]) -> list[Any]:
        """Those of these rows that are still new, in the order of their origins, locked until the
        transaction ends: somebody else who claims them waits, and finds them redriven."""
        sql = (
            f"SELECT id, topic, key, value, headers, error_type FROM {self._table}"  # noqa: S608 - our own names
            f" WHERE id = ANY($1::text[]) AND state = 'new' ORDER BY {_ORDER} FOR UPDATE"
        )
        rows: list[Any] = await connection.fetch(sql, list(ids))
        return rows

    async def redriven(self, connection: Any, sent: Sequence[tuple[str, str]]) -> None:
        """Note for each id where its record is now."""
        sql = (
            f"UPDATE {self._table} AS l"  # noqa: S608 - our own names
            " SET state = 'redriven', state_at = now(), redriven_to = s.at"
            " FROM unnest($1::text[], $2::text[]) AS s (id, at) WHERE l.id = s.id"
        )
        await connection.execute(sql, [each[0] for each in sent], [each[1] for each in sent])

    async def discard(self, connection: Any, ids: Sequence[str]) -> int:
        """Note that these, where they are new, need no more attention; how many that were."""
        sql = (
            f"UPDATE {self._table} SET state = 'discarded', state_at = now()"  # noqa: S608 - our own names
            " WHERE id = ANY($1::text[]) AND state = 'new' RETURNING id"
        )
        return len(await connection.fetch(sql, list(ids)))

    async def restore(self, connection: Any, ids: Sequence[str]) -> int:
        """Note that these, where they are discarded, are new again; how many that were."""
        sql = (
            f"UPDATE {self._table} SET state = 'new', state_at = now()"  # noqa: S608 - our own names
            " WHERE id = ANY($1::text[]) AND state = 'discarded' RETURNING id"
        )
        return len(await connection.fetch(sql, list(ids)))
