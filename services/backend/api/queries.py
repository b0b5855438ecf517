"""The API's reads of the read model: raw SQL through the pool, whose connections keep the prepared
statements. Each is one round trip."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg
import msgspec

from backend.api.answers import CatalogueEntry

_COLUMNS: Final = ", ".join(CatalogueEntry.__struct_fields__)

ONE: Final = f"SELECT {_COLUMNS} FROM backend.book WHERE book_id = $1 AND NOT removed"  # noqa: S608  # our own column names
MANY: Final = (
    f"SELECT {_COLUMNS} FROM backend.book "  # noqa: S608  # our own column names
    "WHERE book_id = ANY($1::bigint[]) AND NOT removed ORDER BY book_id"
)


class Reader:
    """Reads entries. ``pool`` is asked at each read: the API is built before a pool is open."""

    def __init__(self, pool: Callable[[], "asyncpg.Pool[Any]"]) -> None:
        self._pool = pool

    async def entry(self, book_id: int) -> CatalogueEntry | None:
        """The entry of one book; None when there is none, or the book was removed."""
        row = await self._pool().fetchrow(ONE, book_id)
        return None if row is None else msgspec.convert(dict(row), CatalogueEntry)

    async def entries(self, book_ids: Sequence[int]) -> list[dict[str, Any]]:
        """The entries that there are of these books, by id, each once: the fields of a
        ``CatalogueEntry``, ready to be encoded."""
        return [dict(row) for row in await self._pool().fetch(MANY, book_ids)]
