"""What a client sends and gets: the types alone say what is valid, to msgspec and to OpenAPI.

Fields that we do not know are ignored, whatever they hold. Titles and authors are kept as they
came: blanks around them are the client's business.
"""

from typing import Annotated, Final

import msgspec
from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from contracts.backend_client.models import CatalogueEntry
from contracts.records import MAX_TEXT, BookStatus
from contracts.visible import VISIBLE, why_unusable_as_new

MAX_BODY: Final = 1024 * 1024
"""Bytes in a body that holds one book."""

MAX_BULK_BODY: Final = 8 * 1024 * 1024
"""Bytes in a body that holds many."""

MAX_BOOKS: Final = 10_000
"""The most books that one request may add."""

Limit = Annotated[int, QueryParameter(ge=1, le=1_000, description="The most books on the page.")]

NEXT_PAGE: Final = ResponseHeader(
    name="Link", documentation_only=True, description="The next page, if there is one (RFC 8288)."
)

IdempotencyKeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"\S",
        description="The same key with the same books adds them once, and gets the same answer.",
    ),
]

# No NUL anywhere, and a character that can be seen; JSON's decoder takes no lone surrogate.
_USABLE: Final = rf"^[^\u0000]*{VISIBLE}[^\u0000]*$"
_STATUS: Final = "^({})(?!\\n)$".format(
    "|".join("".join(f"[{c.upper()}{c}]" for c in status) for status in BookStatus)
)

Title = Annotated[
    str,
    Meta(
        max_length=MAX_TEXT,
        pattern=_USABLE,
        examples=["Dune"],
        extra={"reason": why_unusable_as_new},
    ),
]

Author = Annotated[
    str,
    Meta(
        max_length=MAX_TEXT,
        pattern=_USABLE,
        examples=["Frank Herbert"],
        extra={"reason": why_unusable_as_new},
    ),
]

Status = Annotated[
    str,
    Meta(
        pattern=_STATUS,
        description="available, borrowed or lost, in any case",
        examples=["borrowed"],
        extra={"reason": f"must be one of {', '.join(BookStatus)}"},
    ),
]


class NewBook(msgspec.Struct):
    """A book to be added."""

    title: Title
    author: Author
    status: Status = BookStatus.available

    def __post_init__(self) -> None:
        """The status is read in any case, and written in lower case."""
        self.status = BookStatus(self.status.lower())


class BookChange(msgspec.Struct):
    """What is to change of a book; what is not given stays."""

    title: Title | UnsetType = UNSET
    author: Author | UnsetType = UNSET
    status: Status | UnsetType = UNSET

    def __post_init__(self) -> None:
        """As ``NewBook``'s."""
        if self.status is not UNSET:
            self.status = BookStatus(self.status.lower())


class ListedBook(msgspec.Struct):
    """A book of a page. ``details`` is null until it is ingested, and while backend is away."""

    id: int
    title: str
    author: str
    status: BookStatus
    details: CatalogueEntry | None = None
