"""What a request's path and query say, checked: ids and pages."""

from typing import Any, Final, cast
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.exceptions import NotFoundException

from contracts.problems import FieldError, invalid
from contracts.records import MAX_BIGINT

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000


class Page(msgspec.Struct, frozen=True):
    """A page of books: at most ``limit``, with ids above ``after``."""

    limit: int = DEFAULT_LIMIT
    after: int = 0

    def link_to_next(self, last_id: int) -> bytes:
        """The ``Link`` header (RFC 8288) that leads to the page behind ``last_id``."""
        return b'</books?limit=%d&after=%d>; rel="next"' % (self.limit, last_id)


_FIRST: Final = Page()


def book_id_of(request: Request[Any, Any, Any]) -> int:
    """The id in the path. Raises NotFoundException for one that no book can have."""
    book_id = cast(int, request.scope["path_params"]["id"])  # Litestar's "{id:int}"
    # Python's int() also takes "1_000" and digits of other scripts; a client that sends those has
    # not been given them by us.
    text = request.scope["path"].rpartition("/books/")[2].rstrip("/")
    if not 0 < book_id <= MAX_BIGINT or not (text.isascii() and text.isdecimal()):
        raise no_such_book(book_id)
    return book_id


def no_such_book(book_id: int) -> NotFoundException:
    """404, naming the id."""
    return NotFoundException(f"There is no book {book_id}.")


def page_of(request: Request[Any, Any, Any]) -> Page:
    """The page that the query asks for; of a repeated parameter the last one counts.

    Raises:
        ValidationException: 400, naming each wrong parameter.
    """
    query = request.scope["query_string"]
    if not query:
        return _FIRST
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    errors: list[FieldError] = []
    page = Page(
        limit=_whole(given, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT, errors),
        after=_whole(given, "after", 0, 0, MAX_BIGINT, errors),
    )
    if errors:
        raise invalid(errors)
    return page


def _whole(
    given: dict[str, str], name: str, default: int, least: int, most: int, errors: list[FieldError]
) -> int:
    text = given.get(name)
    if text is None:
        return default
    # 19 digits hold any bigint, and keep int() from work without end.
    if text.isascii() and text.isdecimal() and len(text) <= 19 and least <= int(text) <= most:
        return int(text)
    errors.append(FieldError(name, f"must be a whole number between {least} and {most}"))
    return default
