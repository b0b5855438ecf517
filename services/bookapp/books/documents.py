"""What the books' routes say in OpenAPI of what they take and give.

The handlers read and write bytes themselves, so Litestar cannot derive this from signatures. The
request schemas say exactly what ``validation`` does; a test sends what they allow and forbid.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)

from bookapp.books.idempotency import HEADER, MAX_KEY
from contracts.records import MAX_BIGINT, MAX_TEXT, BookStatus

# No NUL anywhere, and a character that is no blank; lone surrogates cannot be written in a schema.
_TEXT: Final = Schema(
    type=OpenAPIType.STRING,
    min_length=1,
    max_length=MAX_TEXT,
    pattern=r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$",
)
_STATUS: Final = Schema(
    type=OpenAPIType.STRING,
    pattern="^({})$".format(
        "|".join("".join(f"[{c.upper()}{c}]" for c in status) for status in BookStatus)
    ),
    description="available, borrowed or lost, in any case; available when not given",
)
_FIELDS: Final[dict[str, Reference | Schema]] = {"title": _TEXT, "author": _TEXT, "status": _STATUS}
_NEW_BOOK: Final = Schema(type=OpenAPIType.OBJECT, properties=_FIELDS, required=["title", "author"])
_CHANGE: Final = Schema(type=OpenAPIType.OBJECT, properties=_FIELDS)
_NEW_BOOKS: Final = Schema(type=OpenAPIType.ARRAY, items=_NEW_BOOK)
_DUNE: Final = {"title": "Dune", "author": "Frank Herbert"}
_BOOK_ID: Final = Parameter(
    name="id",
    param_in="path",
    required=True,
    schema=Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=MAX_BIGINT),
)


class Details(msgspec.Struct):
    """What backend's catalogue knows of a book."""

    book_id: int
    title: str
    author: str
    status: BookStatus
    shelf_mark: str
    author_sort: str
    title_sort: str
    sequence: int
    ingested_at: dt.datetime
    trace_id: str | None


class ListedBook(msgspec.Struct):
    """A book of a page. ``details`` is null until it is ingested, and while backend is away."""

    id: int
    title: str
    author: str
    status: BookStatus
    details: Details | None


def _body(schema: Schema, example: Any) -> RequestBody:
    return RequestBody(
        required=True,
        content={
            "application/json": OpenAPIMediaType(
                schema=schema, examples={"example": Example(value=example)}
            )
        },
    )


def _idempotency_key() -> Parameter:
    return Parameter(
        name=HEADER,
        param_in="header",
        required=False,
        description="The same key with the same books adds them once, and gets the same answer.",
        schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=MAX_KEY, pattern=r"\S"),
    )


def _whole(name: str, minimum: int, maximum: int, default: int, description: str) -> Parameter:
    return Parameter(
        name=name,
        param_in="query",
        required=False,
        description=description,
        schema=Schema(type=OpenAPIType.INTEGER, minimum=minimum, maximum=maximum, default=default),
    )


@dataclass
class AddOperation(Operation):
    """POST /books/add."""

    def __post_init__(self) -> None:
        self.request_body = _body(_NEW_BOOK, _DUNE)
        self.parameters = [_idempotency_key()]


@dataclass
class BulkAddOperation(Operation):
    """POST /books/bulk_add."""

    def __post_init__(self) -> None:
        self.request_body = _body(_NEW_BOOKS, [_DUNE])
        self.parameters = [_idempotency_key()]


@dataclass
class BookOperation(Operation):
    """GET and DELETE /books/{id}."""

    def __post_init__(self) -> None:
        self.parameters = [_BOOK_ID]


@dataclass
class ChangeOperation(Operation):
    """PATCH /books/{id}."""

    def __post_init__(self) -> None:
        self.parameters = [_BOOK_ID]
        self.request_body = _body(_CHANGE, {"status": "borrowed"})


@dataclass
class ListOperation(Operation):
    """GET /books."""

    def __post_init__(self) -> None:
        self.parameters = [
            _whole("limit", 1, 1_000, 100, "the most books on the page"),
            _whole("after", 0, MAX_BIGINT, 0, "only books with an id above this one"),
        ]
