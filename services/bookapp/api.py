"""The Litestar application, from its parts. It opens nothing: its OpenAPI document can be exported,
and its routes tested, without a database."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.types import Middleware

from bookapp.books.controllers import BookController
from bookapp.books.details import DetailsSource
from bookapp.books.listing import Listing
from bookapp.books.store import BookStore
from contracts.conventions import Conventions, described
from contracts.health import Degraded, Readiness, health_routes

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_api(
    books: BookStore,
    details: DetailsSource,
    readiness: Readiness,
    conventions: Conventions,
    *,
    degraded: Degraded = list,
    require_database: Callable[[], object] = lambda: None,
    routes: Sequence[Router] = (),
    middleware: Sequence[Middleware] = (),
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """The API over a store of books and what backend knows of them.

    ``require_database`` raises while the database is not there with its tables; ``routes`` and
    ``middleware`` are the libraries' that are mounted beside the books.
    """

    listing = Listing(books, details)

    async def before_request(_: Request[Any, Any, Any]) -> None:
        require_database()

    ready_when = "The database answers, and its migrations have run"
    return Litestar(
        [
            Router("/", route_handlers=[BookController, *routes], before_request=before_request),
            *health_routes(readiness, ready_when, degraded),
        ],
        dependencies={
            "books": Provide(lambda: books, sync_to_thread=False),
            "listing": Provide(lambda: listing, sync_to_thread=False),
        },
        plugins=[conventions],
        middleware=list(middleware),
        lifespan=list(lifespan),
        openapi_config=described("bookapp", "The library's books."),
        debug=False,
    )
