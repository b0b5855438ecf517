"""The books' routes. An id is a positive bigint; anything else in its place is a 404."""

import logging

from litestar import Controller, Response, delete, get, patch, post, route
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody

from bookapp.books import idempotency
from bookapp.books.listing import Listing
from bookapp.books.schemas import (
    MAX_BODY,
    MAX_BOOKS,
    MAX_BULK_BODY,
    NEXT_PAGE,
    BookChange,
    IdempotencyKeyHeader,
    Limit,
    ListedBook,
    NewBook,
)
from bookapp.books.store import BookStore
from contracts.parameters import After, BookId
from contracts.problems import documented, problem
from contracts.records import Book

logger = logging.getLogger(__name__)


class BookController(Controller):
    """``/books``."""

    path = "/books"
    tags = ("books",)
    request_max_body_size = MAX_BODY

    @get(
        operation_id="list_books",
        summary="A page of books, by id, with their details",
        response_description="The books",
        response_headers=[NEXT_PAGE],
    )
    async def list_books(
        self,
        listing: NamedDependency[Listing],
        limit: Limit = 100,
        after: After = 0,
    ) -> Response[list[ListedBook]]:
        """The `Link` header of the answer leads to the next page, if there is one."""
        page, more = await listing.page(after, limit)
        if not more:
            return Response(page)
        following = f'</books?limit={limit}&after={page[-1].id}>; rel="next"'
        return Response(page, headers={"Link": following})

    @get(
        "/{id:int}",
        operation_id="get_book",
        summary="One book",
        response_description="The book",
        responses=documented(404),
    )
    async def get_book(self, id: BookId, books: NamedDependency[BookStore]) -> Book:
        return _found(await books.get(id), id)

    @patch(
        "/{id:int}",
        operation_id="change_book",
        summary="Change what is given of a book, and no more",
        response_description="The book as it is now",
        responses=documented(404),
    )
    async def change_book(
        self, id: BookId, data: JSONBody[BookChange], books: NamedDependency[BookStore]
    ) -> Book:
        """A change that changes nothing is answered alike, and publishes nothing."""
        book = _found(await books.change(id, data), id)
        logger.info("changed book %d", id)
        return book

    @delete(
        "/{id:int}",
        operation_id="remove_book",
        summary="Remove a book",
        responses=documented(404),
    )
    async def remove_book(self, id: BookId, books: NamedDependency[BookStore]) -> None:
        _found(await books.remove(id), id)
        logger.info("removed book %d", id)

    @post(
        "/add",
        operation_id="add_book",
        summary="Add a book",
        response_description="The new book's id",
        responses=documented(409),
    )
    async def add_book(
        self,
        data: JSONBody[NewBook],
        books: NamedDependency[BookStore],
        idempotency_key: IdempotencyKeyHeader = None,
    ) -> int:
        book_id = await books.add(data, idempotency.token(idempotency_key, "add", [data]))
        logger.info("added book %d", book_id)
        return book_id

    @post(
        "/bulk_add",
        operation_id="add_books",
        summary="Add many books, all or none",
        response_description="The new books' ids, in the order of the books",
        request_max_body_size=MAX_BULK_BODY,
        responses=documented(409),
    )
    async def add_books(
        self,
        data: JSONBody[list[NewBook]],
        books: NamedDependency[BookStore],
        idempotency_key: IdempotencyKeyHeader = None,
    ) -> list[int]:
        """At most 10,000 of them."""
        if len(data) > MAX_BOOKS:
            raise problem(
                413, f"At most {MAX_BOOKS} books are taken at once; these are {len(data)}."
            )
        ids = await books.add_many(data, idempotency.token(idempotency_key, "bulk_add", data))
        logger.info("added %d books", len(ids))
        return ids

    @route("/{id:int}", http_method="OPTIONS", include_in_schema=False, sync_to_thread=False)
    def allowed_methods(self) -> Response[None]:
        # Litestar's own answer names the one method that it registered first. It registers by
        # name, so this one has to come first in the alphabet as well.
        return Response(None, status_code=204, headers={"Allow": "DELETE, GET, OPTIONS, PATCH"})


def _found(book: Book | None, book_id: int) -> Book:
    if book is None:
        raise NotFoundException(f"There is no book {book_id}.")
    return book
