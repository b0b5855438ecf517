"""Pages of the list: the books, and what backend's catalogue knows of them."""

from bookapp.books.details import DetailsSource
from bookapp.books.schemas import ListedBook
from bookapp.books.store import BookStore


class Listing:
    """Puts the two together."""

    def __init__(self, books: BookStore, details: DetailsSource) -> None:
        self._books = books
        self._details = details

    async def page(self, after: int, limit: int) -> tuple[list[ListedBook], bool]:
        """At most ``limit`` books, by id, those with an id above ``after``; and whether there are
        more."""
        found = await self._books.page(after, limit + 1)
        page = found[:limit]
        if page:
            known = await self._details.between(page[0].id, page[-1].id)
            for book in page:
                book.details = known.get(book.id)
        return page, len(found) > limit
