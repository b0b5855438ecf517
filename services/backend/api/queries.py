"""The API's reads of the read model: raw SQL through the pool, whose connections keep the prepared
statements. Each is one round trip."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg
import msgspec

from backend.api.answers import CatalogueEntry

_COLUMNS: Final = ", ".join(CatalogueEntry.__struct_fields__)

ONE: Final = f"SELECT {_COLUMNS} FROM backend.book WHERE book_id = $1 AND NOT removed"  # noqa: S608  # our own column names
# PostgreSQL writes the JSON: rows made into Python's objects, and those into JSON, cost twice that.
MANY: Final = (
    "SELECT coalesce(json_agg(entry ORDER BY book_id), '[]') "  # noqa: S608  # as above
    f"FROM (SELECT {_COLUMNS} FROM backend.book"
    " WHERE book_id = ANY($1::bigint[]) AND NOT removed) AS entry"
)


class Reader:
    """Reads entries. ``pool`` is asked at each read: the API is built before a pool is open."""

    def __init__(self, pool: Callable[[], "asyncpg.Pool[Any]"]) -> None:
        self._pool = pool

    async def entry(self, book_id: int) -> CatalogueEntry | None:
        """The entry of one book; None when there is none, or the book was removed."""
        row = await self._pool().fetchrow(ONE, book_id)
        return None if row is None else msgspec.convert(dict(row), CatalogueEntry)

    async def entries(self, book_ids: Sequence[int]) -> bytes:
        """The entries that there are of these books, by id, each once: an array, as JSON."""
        found: str = await self._pool().fetchval(MANY, book_ids)
        return found.encode()
