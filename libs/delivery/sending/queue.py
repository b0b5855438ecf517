"""The outbox as the relay sees it: pages in order, deletions, parked rows, how much waits.

A row's id says in which order the rows of one key were written, but not when they became visible:
a transaction that took a low id may commit late. So a page is always read from the lowest id,
leaving out what is being sent already; a cursor (`id > last`) would let a later record of a key
overtake one that was still invisible.
"""

from collections.abc import Collection, Sequence

import asyncpg
import msgspec

from delivery.postgres.retry import retry_conflicts
from delivery.sending.outbox_app.tables import named

# The array is a constant to the planner (force_custom_plan below), which then hashes it.
READ = """
SELECT id, topic, key, value, trace_context FROM {outbox}
WHERE parked_at IS NULL AND id <> ALL ($1::bigint[])
ORDER BY id LIMIT $2
"""
DELETE = "DELETE FROM {outbox} WHERE id = ANY ($1::bigint[])"
PARK = "UPDATE {outbox} SET parked_at = clock_timestamp(), error = $2 WHERE id = $1"

COUNTED = 10_000
"""Up to here the backlog is counted; above it is PostgreSQL's own estimate of the table's rows."""
OBSERVE = """
SELECT
    (SELECT count(*) FROM (
        SELECT FROM {outbox} WHERE parked_at IS NULL LIMIT $1) AS counted),
    (SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = '{outbox}'::regclass),
    (SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 FROM {outbox}
     WHERE parked_at IS NULL ORDER BY id LIMIT 1)
"""

SESSION = {
    "plan_cache_mode": "force_custom_plan",
    # A deletion that a crash of PostgreSQL forgets is a record sent twice, in order: allowed, and
    # it spares the requests' commits a competitor for the disk.
    "synchronous_commit": "off",
}
"""Session settings for the pool that these statements run on, where there is a session to set."""


class Waiting(msgspec.Struct, frozen=True):
    """How much waits to be sent."""

    records: int
    oldest_age: float  # seconds


class Row(msgspec.Struct, frozen=True):
    """A record to send, with the trace context of the request that wrote it."""

    id: int
    topic: str
    key: bytes
    value: bytes
    trace_context: dict[str, str] | None


@retry_conflicts
async def read(pool: asyncpg.Pool, without: Collection[int], limit: int) -> list[Row]:
    """The lowest `limit` rows that are neither parked nor in `without`, in order of their ids."""
    records = await pool.fetch(named(READ), list(without), limit)
    return [
        Row(row_id, topic, key, value, _context(context))
        for row_id, topic, key, value, context in records
    ]


@retry_conflicts
async def delete(pool: asyncpg.Pool, ids: Sequence[int]) -> None:
    """Remove what the broker has acknowledged."""
    await pool.execute(named(DELETE), ids)


@retry_conflicts
async def park(pool: asyncpg.Pool, row_id: int, error: str) -> None:
    """Put a row aside that can never be sent as it is; see OutboxRow for how it comes back."""
    await pool.execute(named(PARK), row_id, error)


async def observe(pool: asyncpg.Pool) -> Waiting:
    """How much waits: exact up to COUNTED rows, about right above. A few ms at any size."""
    counted, estimated, age = await pool.fetchrow(named(OBSERVE), COUNTED)
    records = counted if counted < COUNTED else max(counted, estimated or 0)
    return Waiting(records, max(0.0, age or 0.0))


def _context(stored: str | None) -> dict[str, str] | None:
    return msgspec.json.decode(stored, type=dict[str, str]) if stored else None
