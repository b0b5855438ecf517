"""What the API answers with: a book's catalogue entry."""

import datetime as dt
from typing import Annotated

import msgspec

from contracts.records import BookStatus


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A book as the catalogue has it.

    ``sequence`` is the number of the book's change that this entry shows; ``trace_id`` the trace of
    the request that made the change, null when its record carried none.
    """

    book_id: int
    title: str
    author: str
    status: BookStatus
    shelf_mark: Annotated[str, msgspec.Meta(examples=[".L44 L44"])]
    author_sort: Annotated[str, msgspec.Meta(examples=["le guin, ursula k"])]
    title_sort: Annotated[str, msgspec.Meta(examples=["left hand of darkness"])]
    sequence: int
    ingested_at: dt.datetime
    trace_id: str | None
