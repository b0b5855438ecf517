"""GET /books/{book_id} and GET /books; bookapp asks the second once for each of its pages."""

from typing import Annotated, Final

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import QueryParameter

from backend.api.schemas import CatalogueEntry
from backend.api.store import CatalogueStore
from contracts.parameters import After, BookId, Until
from contracts.problems import FieldError, documented, invalid
from contracts.records import MAX_BIGINT

MAX_ENTRIES: Final = 1_000
"""How many books one request may ask for: a page of bookapp's list."""

Ids = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[0-9]{1,19}(,[0-9]{1,19})*$",
        description="Ids of books, in decimal, with commas between them.",
    ),
]


class CatalogueController(Controller):
    """``/books``, from the read model."""

    path = "/books"
    tags = ("books",)

    @get(
        "/{book_id:int}",
        operation_id="get_book",
        summary="One book's catalogue entry",
        responses=documented(404),
    )
    async def get_book(
        self, book_id: BookId, catalogue: NamedDependency[CatalogueStore]
    ) -> CatalogueEntry:
        entry = await catalogue.entry(book_id)
        if entry is None:
            raise NotFoundException("There is no such book in the catalogue.")
        return entry

    @get(
        operation_id="list_books",
        summary="The catalogue entries of the books asked for",
    )
    async def list_books(
        self,
        catalogue: NamedDependency[CatalogueStore],
        ids: Ids = None,
        after: After = 0,
        until: Until = MAX_BIGINT,
    ) -> list[CatalogueEntry]:
        """One entry for each of the books that has one, ordered by id; the others are absent. Of
        all books, or of these `ids`, those above `after` up to `until`; at most 1000."""
        if ids is None:
            return await catalogue.between(after, until, MAX_ENTRIES)
        return await catalogue.entries([i for i in parse_ids(ids) if after < i <= until])


def parse_ids(text: str) -> list[int]:
    """The ids in ``1,2,3``. Raises a 400 that names ``ids``."""
    ids = list(map(int, text.rstrip("\n").split(",")))
    if len(ids) > MAX_ENTRIES:
        raise invalid([FieldError("ids", f"more than {MAX_ENTRIES} ids")])
    if max(ids) > MAX_BIGINT:
        raise invalid([FieldError("ids", "an id is out of range")])
    return ids
