"""GET /books/{id} and GET /books?ids=…

The second is asked for every page of bookapp's: it reads its request and writes its answer itself.
"""

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema
from litestar.params import FromPath

from backend.api.answers import CatalogueEntry
from backend.api.queries import Reader
from contracts.problems import FieldError, documented, invalid
from contracts.records import MAX_BIGINT
from contracts.responses import JsonAnswer, answers

MAX_IDS: Final = 1_000
"""How many books one request may ask for: a page of bookapp's list."""

_PATTERN: Final = r"[0-9]{1,19}(,[0-9]{1,19})*"
_IDS: Final = "Ids of books, in decimal, with commas between them."


@dataclass
class ListOperation(Operation):
    """What OpenAPI says of the list's parameters, which no signature tells."""

    def __post_init__(self) -> None:
        self.parameters = [
            Parameter(
                name="ids",
                param_in="query",
                required=True,
                description=_IDS,
                schema=Schema(
                    type=OpenAPIType.STRING,
                    pattern=f"^{_PATTERN}$",
                    description=_IDS,
                ),
            )
        ]


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
        operation_class=ListOperation,
        responses={
            **answers(200, list[CatalogueEntry], "Request fulfilled, document follows"),
            **documented(400, 500, 503),
        },
    )
    async def list_books(request: Request[Any, Any, Any]) -> JsonAnswer:
        return JsonAnswer(await reader.entries(ids_of(request)))

    return [get_book, list_books]


def ids_of(request: Request[Any, Any, Any]) -> list[int]:
    """The ids that the query asks for. Raises as ``parse_ids``, also when it has none."""
    query = request.scope["query_string"].decode("latin-1")
    given = dict(parse_qsl(query, keep_blank_values=True))
    return parse_ids(given.get("ids", ""))


def parse_ids(text: str) -> list[int]:
    """The ids in ``1,2,3``. Raises ValidationException (400) naming ``ids`` and what is wrong."""
    if text.count(",") >= MAX_IDS:
        raise invalid([FieldError("ids", f"more than {MAX_IDS} ids")])
    if not re.fullmatch(_PATTERN, text):
        raise invalid([FieldError("ids", "takes decimal ids with commas between them")])
    ids = [int(part) for part in text.split(",")]
    if max(ids) > MAX_BIGINT:
        raise invalid([FieldError("ids", "an id is out of range")])
    return ids
