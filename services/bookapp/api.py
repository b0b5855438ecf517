"""The Litestar application, from its parts. It opens nothing: its OpenAPI document can be exported,
and its routes tested, without a database."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.types import Middleware, Scope

from bookapp.body import MAX_BULK_BODY
from bookapp.books.controller import BooksController, Library
from contracts.asyncapi import asyncapi_route
from contracts.health import Degraded, Readiness, health_routes
from contracts.problems import problem_handlers

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_api(
    library: Library,
    readiness: Readiness,
    *,
    degraded: Degraded = list,
    unavailable: Callable[[BaseException], str | None],
    record_exception: Callable[[BaseException], None] = lambda _: None,
    require_database: Callable[[], None] = lambda: None,
    routes: Sequence[Router] = (),
    middleware: Sequence[Middleware] = (),
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """The API over a library.

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
            Router("/", route_handlers=[BooksController, *routes], before_request=before_request),
            *health_routes(
                readiness, "The database answers, and its migrations have run", degraded
            ),
            asyncapi_route(),
        ],
        openapi_config=OpenAPIConfig(
            title="bookapp",
            version="1.0.0",
            description="The library's books.",
            path="/schema",
        ),
        state=State({"library": library}),
        exception_handlers=problem_handlers(unavailable),
        after_exception=[after_exception],
        middleware=list(middleware),
        lifespan=list(lifespan),
        request_max_body_size=MAX_BULK_BODY,
        logging_config=None,  # the process configures logging, once
        debug=False,
    )
