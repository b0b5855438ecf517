"""GET /books/{id} and GET /books?ids=…"""

from typing import Annotated, Final

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from backend.api.answers import CatalogueEntry
from backend.api.queries import Reader
from contracts.problems import FieldError, documented, invalid
from contracts.records import MAX_BIGINT

MAX_IDS: Final = 1_000
"""How many books one request may ask for: a page of bookapp's list."""


def book_routes(reader: Reader) -> list[HTTPRouteHandler]:
    """The routes that answer from the read model."""

    @get(
        "/books/{book_id:int}",
        operation_id="get_book",
        summary="One book's catalogue entry",
        tags=["books"],
        responses=documented(400, 404, 500, 503),
    )
    async def get_book(book_id: FromPath[int]) -> CatalogueEntry:
        entry = await reader.entry(book_id) if 0 < book_id <= MAX_BIGINT else None
        if entry is None:
            raise NotFoundException("There is no such book in the catalogue.")
        return entry

    @get(
        "/books",
        operation_id="list_books",
        summary="The catalogue entries of the books asked for",
        description=(
            "One entry for each of the books that has one, ordered by id; the others are absent. "
            f"At most {MAX_IDS} ids."
        ),
        tags=["books"],
        responses=documented(400, 500, 503),
    )
    async def list_books(
        ids: Annotated[
            str,
            QueryParameter(
                description="Ids of books, in decimal, with commas between them.",
                pattern=r"^[0-9]{1,19}(,[0-9]{1,19})*$",
            ),
        ],
    ) -> list[CatalogueEntry]:
        return await reader.entries(parse_ids(ids))

    return [get_book, list_books]


def parse_ids(text: str) -> list[int]:
    """The ids in ``1,2,3``. Raises ValidationException (400) naming ``ids`` and what is wrong."""
    parts = text.split(",", MAX_IDS)
    if len(parts) > MAX_IDS:
        raise invalid([FieldError("ids", f"more than {MAX_IDS} ids")])
    if not all(part.isascii() and part.isdigit() and len(part) <= 19 for part in parts):
        raise invalid([FieldError("ids", "takes decimal ids with commas between them")])
    ids = [int(part) for part in parts]
    if max(ids) > MAX_BIGINT:
        raise invalid([FieldError("ids", "an id is out of range")])
    return ids
