"""The Litestar application, from its parts. It opens nothing: its document can be exported, and its
routes tested, without a database or a broker."""

from collections.abc import Callable

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.types import Scope

from backend.api.books import book_routes
from backend.api.health import Readiness, health_routes
from backend.api.queries import Reader
from contracts.asyncapi import asyncapi_route
from contracts.problems import problem_handlers


def create_api(
    reader: Reader,
    readiness: Readiness,
    *,
    database_away: Callable[[BaseException], bool],
    record_exception: Callable[[BaseException], None] = lambda _: None,
) -> Litestar:
    """The API over a reader of the read model.

    ``database_away`` says which errors are the database's absence (503); ``record_exception`` is
    told of every exception that a route raised, before it becomes an answer.
    """

    async def after_exception(error: Exception, _: Scope) -> None:
        record_exception(error)

    return Litestar(
        [*book_routes(reader), *health_routes(readiness), asyncapi_route()],
        openapi_config=OpenAPIConfig(
            title="backend",
            version="1.0.0",
            description="The catalogue of the books: shelf marks and sort keys.",
            path="/schema",
        ),
        exception_handlers=problem_handlers(database_away),
        after_exception=[after_exception],
        logging_config=None,  # the process configures logging, once
        debug=False,
    )
