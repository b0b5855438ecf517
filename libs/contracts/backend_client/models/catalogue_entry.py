import msgspec

from ..models.book_status import BookStatus
from typing import cast
import datetime


class CatalogueEntry(msgspec.Struct, kw_only=True):
    """CatalogueEntry."""

    book_id: int
    title: str
    author: str
    status: BookStatus
    shelf_mark: str
    author_sort: str
    title_sort: str
    sequence: int
    ingested_at: datetime.datetime
    trace_id: None | str
