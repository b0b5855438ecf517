"""The books' routes: each reads its request, asks the store, and answers.

Handlers take the request itself and return bytes: what a request is and what is wrong with it is
decided in ``validation`` and ``requests``, what OpenAPI says of it in ``documents``.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Controller, Request, Response, delete, get, patch, post, route

from bookapp.body import MAX_BULK_BODY, header, read_body
from bookapp.books import documents, idempotency, validation
from bookapp.books.details import DetailsSource
from bookapp.books.requests import book_id_of, no_such_book, page_of
from bookapp.books.store import BookStore
from bookapp.books.validation import NewBook
from contracts.problems import documented
from contracts.records import Book
from contracts.responses import JsonAnswer, answers

logger = logging.getLogger(__name__)

_encode: Final = msgspec.json.Encoder().encode
_IDEMPOTENCY_KEY: Final = idempotency.HEADER.lower().encode()

AnyRequest = Request[Any, Any, Any]


class Library(msgspec.Struct, frozen=True):
    """What the routes work with; ``app.state`` holds it as ``library``."""

    books: BookStore
    details: DetailsSource


class BooksController(Controller):
    """``/books``. An id is a positive bigint; anything else in its place is a 404."""

    path = "/books"
    tags = ("books",)

    @get(
        "/",
        operation_id="list_books",
        summary="A page of books, by id, with their details",
        description="The `Link` header of the answer leads to the next page, if there is one.",
        operation_class=documents.ListOperation,
        responses={
            **answers(200, list[documents.ListedBook], "The books"),
            **documented(400, 500, 503),
        },
    )
    async def list_books(self, request: AnyRequest) -> JsonAnswer:
        library = _library(request)
        page = page_of(request)
        rows = await library.books.page(page.after, page.limit + 1)  # one more: is there a next?
        more = len(rows) > page.limit
        rows = rows[: page.limit]
        details = await library.details.of([row[0] for row in rows])
        known = details.get
        body = _encode(
            [
                {"id": i, "title": title, "author": author, "status": status, "details": known(i)}
                for i, title, author, status in rows
            ]
        )
        return JsonAnswer(body, headers=[(b"link", page.link_to_next(rows[-1][0]))] if more else ())

    @get(
        "/{id:int}",
        operation_id="get_book",
        summary="One book",
        operation_class=documents.BookOperation,
        responses={**answers(200, Book, "The book"), **documented(400, 404, 500, 503)},
    )
    async def get_book(self, request: AnyRequest) -> JsonAnswer:
        book_id = book_id_of(request)
        row = await _library(request).books.get(book_id)
        if row is None:
            raise no_such_book(book_id)
        return JsonAnswer(_encode(dict(row)))

    @patch(
        "/{id:int}",
        operation_id="change_book",
        summary="Change what is given of a book, and no more",
        description="A change that changes nothing is answered alike, and publishes nothing.",
        operation_class=documents.ChangeOperation,
        responses={
            **answers(200, Book, "The book as it is now"),
            **documented(400, 404, 408, 413, 500, 503),
        },
    )
    async def change_book(self, request: AnyRequest) -> JsonAnswer:
        book_id = book_id_of(request)
        change = validation.read_change(await read_body(request))
        book = await _library(request).books.change(book_id, change)
        if book is None:
            raise no_such_book(book_id)
        logger.info("changed book %d", book_id)
        return JsonAnswer(_encode(book))

    @delete(
        "/{id:int}",
        operation_id="remove_book",
        summary="Remove a book",
        operation_class=documents.BookOperation,
        responses=documented(400, 404, 500, 503),
    )
    async def remove_book(self, request: AnyRequest) -> None:
        book_id = book_id_of(request)
        if not await _library(request).books.remove(book_id):
            raise no_such_book(book_id)
        logger.info("removed book %d", book_id)

    @route("/{id:int}", http_method="OPTIONS", include_in_schema=False, sync_to_thread=False)
    def allowed_methods(self) -> Response[None]:
        # Litestar's own answer names the one method that it registered first. It registers by
        # name, so this one has to come first in the alphabet as well.
        return Response(None, status_code=204, headers={"Allow": "DELETE, GET, OPTIONS, PATCH"})

    @post(
        "/add",
        operation_id="add_book",
        summary="Add a book",
        operation_class=documents.AddOperation,
        responses={
            **answers(201, int, "The new book's id"),
            **documented(400, 408, 409, 413, 500, 503),
        },
    )
    async def add_book(self, request: AnyRequest) -> JsonAnswer:
        book = validation.read_book(await read_body(request))
        books = _library(request).books
        if (key := header(request, _IDEMPOTENCY_KEY)) is None:
            book_id = await books.add(book)
        else:
            (book_id,) = await books.add_once([book], idempotency.token(key, "add", [book]))
        logger.info("added book %d", book_id)
        return JsonAnswer(b"%d" % book_id, 201)

    @post(
        "/bulk_add",
        operation_id="add_books",
        summary="Add many books, all or none",
        description=f"At most {validation.MAX_BOOKS:,} of them.",
        operation_class=documents.BulkAddOperation,
        responses={
            **answers(201, list[int], "The new books' ids, in the order of the books"),
            **documented(400, 408, 409, 413, 500, 503),
        },
    )
    async def add_books(self, request: AnyRequest) -> JsonAnswer:
        new = validation.read_books(await read_body(request, MAX_BULK_BODY))
        ids = await _add_all(_library(request).books, new, header(request, _IDEMPOTENCY_KEY))
        logger.info("added %d books", len(ids))
        return JsonAnswer(_encode(ids), 201)


async def _add_all(books: BookStore, new: Sequence[NewBook], key: str | None) -> list[int]:
    if key is None:
        return await books.add_many(new)
    return await books.add_once(new, idempotency.token(key, "bulk_add", new))


def _library(request: AnyRequest) -> Library:
    library: Library = request.scope["litestar_app"].state["library"]
    return library
