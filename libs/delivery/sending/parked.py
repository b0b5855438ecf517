"""Parked rows: records that Kafka refuses for good, and what an operator does about them.

A retried row has its old place before all rows that came after it and still wait; records of its
key may have been sent while it was parked. A discarded row is gone, with its record.
"""

from collections.abc import Sequence

import asyncpg
import msgspec

from delivery.postgres.retry import retry_conflicts
from delivery.sending.outbox_app.tables import named

# Arguments: ids, all when there are none; a topic; an error's type.
_MATCHING = """
FROM {outbox}
WHERE parked_at IS NOT NULL AND (cardinality($1::bigint[]) = 0 OR id = ANY ($1))
    AND ($2::text IS NULL OR topic = $2) AND ($3::text IS NULL OR split_part(error, ':', 1) = $3)
"""
LIST = f"""
SELECT id, topic, key, octet_length(value) AS size, parked_at, error {_MATCHING}
ORDER BY parked_at DESC, id DESC LIMIT $4
"""
COUNT = f"SELECT count(*) {_MATCHING}"
IDS = f"SELECT id {_MATCHING} ORDER BY id"
GET = "SELECT * FROM {outbox} WHERE id = $1"
RETRY = """
UPDATE {outbox} SET parked_at = NULL, error = NULL
WHERE id = ANY ($1::bigint[]) AND parked_at IS NOT NULL RETURNING id
"""
DISCARD = """
DELETE FROM {outbox} WHERE id = ANY ($1::bigint[]) AND parked_at IS NOT NULL RETURNING id
"""


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """Which parked rows: all that is given must hold. ``error`` is the error's type."""

    ids: Sequence[int] = ()
    topic: str | None = None
    error: str | None = None

    def arguments(self) -> tuple[list[int], str | None, str | None]:
        """For the statements here."""
        return list(self.ids), self.topic, self.error


async def find(pool: asyncpg.Pool, wanted: Parked, limit: int) -> list[asyncpg.Record]:
    """The latest ``limit`` of them, without their values, the latest last."""
    rows: list[asyncpg.Record] = await pool.fetch(named(LIST), *wanted.arguments(), limit)
    return rows[::-1]


async def count(pool: asyncpg.Pool, wanted: Parked) -> int:
    """How many there are."""
    return int(await pool.fetchval(named(COUNT), *wanted.arguments()))


async def ids(pool: asyncpg.Pool, wanted: Parked) -> list[int]:
    """Their ids, in the order in which they were written."""
    return [row["id"] for row in await pool.fetch(named(IDS), *wanted.arguments())]


async def get(pool: asyncpg.Pool, row_id: int) -> asyncpg.Record | None:
    """All of one row of the outbox, parked or not."""
    return await pool.fetchrow(named(GET), row_id)


@retry_conflicts
async def retry(pool: asyncpg.Pool, row_ids: Sequence[int]) -> list[int]:
    """Have the relay try those again that are parked; which they were."""
    return [row["id"] for row in await pool.fetch(named(RETRY), list(row_ids))]


@retry_conflicts
async def discard(pool: asyncpg.Pool, row_ids: Sequence[int]) -> list[int]:
    """Delete those that are parked; which they were."""
    return [row["id"] for row in await pool.fetch(named(DISCARD), list(row_ids))]
