"""The Litestar application, from its parts. It opens nothing: its OpenAPI document can be exported,
and its routes tested, without a database."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.types import Middleware, Scope

from bookapp.books.controllers import BookController
from bookapp.books.details import DetailsSource
from bookapp.books.store import BookStore
from contracts.asyncapi import asyncapi_route
from contracts.digits import in_digits
from contracts.health import Degraded, Readiness, health_routes
from contracts.late_bodies import BodyTimeout
from contracts.problems import Problems
from contracts.requests import JsonRequest
from contracts.schema_page import SchemaPage, schema_router

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_api(
    books: BookStore,
    details: DetailsSource,
    readiness: Readiness,
    *,
    degraded: Degraded = list,
    unavailable: Callable[[BaseException], str | None],
    record_exception: Callable[[BaseException], None] = lambda _: None,
    require_database: Callable[[], object] = lambda: None,
    routes: Sequence[Router] = (),
    middleware: Sequence[Middleware] = (),
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """The API over a store of books and what backend knows of them.

    ``unavailable`` says what to tell of errors that pass (503); ``record_exception`` is
    told of every exception that a route raised, before it becomes an answer; ``require_database``
    raises while the database is not there with its tables; ``routes`` and ``middleware`` are the
    libraries' that are mounted beside the books.
    """

    async def before_request(_: Request[Any, Any, Any]) -> None:
        require_database()

    async def after_exception(error: Exception, _: Scope) -> None:
        record_exception(error)

    return Litestar(
        [
            Router("/", route_handlers=[BookController, *routes], before_request=before_request),
            *health_routes(
                readiness, "The database answers, and its migrations have run", degraded
            ),
            asyncapi_route(),
        ],
        dependencies={
            "books": Provide(lambda: books, sync_to_thread=False),
            "details": Provide(lambda: details, sync_to_thread=False),
        },
        request_class=JsonRequest,
        plugins=[Problems(unavailable)],
        after_exception=[after_exception],
        middleware=[*middleware, in_digits, BodyTimeout()],
        lifespan=list(lifespan),
        openapi_config=OpenAPIConfig(
            title="bookapp",
            version="1.0.0",
            description="The library's books.",
            openapi_router=schema_router(),
            render_plugins=[SchemaPage()],
            use_handler_docstrings=True,
        ),
        logging_config=None,  # the process configures logging, once
        debug=False,
    )
