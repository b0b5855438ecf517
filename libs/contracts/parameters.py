"""Parameters that routes of both services have."""

from typing import Annotated

from litestar.params import PathParameter

from contracts.records import MAX_BIGINT

BookId = Annotated[int, PathParameter(ge=1, le=MAX_BIGINT, schema_extra={"maximum": MAX_BIGINT})]
"""A book's id in a path; what no book can have is a 404. Litestar's own maximum is a float."""
