"""Parameters that routes of both services have."""

from typing import Annotated

from litestar.params import PathParameter, QueryParameter

from contracts.records import MAX_BIGINT

BookId = Annotated[int, PathParameter(ge=1, le=MAX_BIGINT, schema_extra={"maximum": MAX_BIGINT})]
"""A book's id in a path; what no book can have is a 404. Litestar's own maximum is a float."""


def _bound(description: str) -> QueryParameter:
    return QueryParameter(
        ge=0, le=MAX_BIGINT, schema_extra={"maximum": MAX_BIGINT}, description=description
    )


After = Annotated[int, _bound("Only books with an id above this one.")]
"""Where a page begins."""

Until = Annotated[int, _bound("No book with an id above this one.")]
"""Where a page ends."""
