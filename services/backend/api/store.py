"""The API's reads of the read model, in Piccolo's words; each is one round trip."""

from collections.abc import Sequence
from typing import Final

import msgspec

from backend.api.schemas import CatalogueEntry
from backend.ingestion.tables import Book
from delivery.postgres.queries import Given, Prepared, any_of

_SHOWN: Final = [Book._meta.get_column_by_name(name) for name in CatalogueEntry.__struct_fields__]
_THERE: Final = Book.removed.eq(False)

_ONE: Final = Prepared(Book.select(*_SHOWN).where(_THERE, Book.book_id == Given("book_id")))
_MANY: Final = Prepared(
    Book.select(*_SHOWN)
    .where(_THERE, any_of(Book.book_id, Given("book_ids")))
    .order_by(Book.book_id)
)
_BETWEEN: Final = Prepared(
    Book.select(*_SHOWN)
    .where(_THERE, Book.book_id > Given("after"), Book.book_id <= Given("until"))
    .order_by(Book.book_id),
    limit=Given("limit"),
)


class CatalogueStore:
    """Reads entries."""

    async def entry(self, book_id: int) -> CatalogueEntry | None:
        """The entry of one book; None when there is none, or the book was removed."""
        row = await _ONE.first(book_id=book_id)
        return None if row is None else msgspec.convert(row, CatalogueEntry)

    async def entries(self, book_ids: Sequence[int]) -> list[CatalogueEntry]:
        """The entries that there are of these books, by id, each once."""
        return msgspec.convert(await _MANY(book_ids=book_ids), list[CatalogueEntry])

    async def between(self, after: int, until: int, limit: int) -> list[CatalogueEntry]:
        """The entries that there are of the books with ids above ``after`` up to ``until``, by id,
        at most ``limit``."""
        rows = await _BETWEEN(after=after, until=until, limit=limit)
        return msgspec.convert(rows, list[CatalogueEntry])
