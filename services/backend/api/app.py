"""The Litestar application, from its parts. It opens nothing: its document can be exported, and its
routes tested, without a database or a broker."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.types import Middleware, Scope

from backend.api.controllers import CatalogueController
from backend.api.store import CatalogueStore
from contracts.asyncapi import asyncapi_route
from contracts.digits import in_digits
from contracts.health import Readiness, health_routes
from contracts.problems import Problems
from contracts.requests import JsonRequest
from contracts.schema_page import SchemaPage, schema_router


def create_api(
    catalogue: CatalogueStore,
    readiness: Readiness,
    *,
    unavailable: Callable[[BaseException], str | None],
    record_exception: Callable[[BaseException], None] = lambda _: None,
    require_database: Callable[[], object] = lambda: None,
    admin_routes: Sequence[Router] = (),
    middleware: Sequence[Middleware] = (),
) -> Litestar:
    """The API over the read model.

    ``unavailable`` says what to tell of errors that pass (503); ``record_exception`` is
    told of every exception that a route raised, before it becomes an answer; ``require_database``
    raises while the database is not there with its tables.
    """

    async def before_request(_: Request[Any, Any, Any]) -> None:
        require_database()

    async def after_exception(error: Exception, _: Scope) -> None:
        record_exception(error)

    return Litestar(
        [
            Router(
                "/",
                route_handlers=[CatalogueController, *admin_routes],
                before_request=before_request,
            ),
            *health_routes(readiness, "The database answers and the consumer runs"),
            asyncapi_route(),
        ],
        openapi_config=OpenAPIConfig(
            title="backend",
            version="1.0.0",
            description="The catalogue of the books: shelf marks and sort keys.",
            openapi_router=schema_router(),
            render_plugins=[SchemaPage()],
        ),
        dependencies={"catalogue": Provide(lambda: catalogue, sync_to_thread=False)},
        request_class=JsonRequest,
        plugins=[Problems(unavailable)],
        after_exception=[after_exception],
        middleware=[*middleware, in_digits],
        logging_config=None,  # the process configures logging, once
        debug=False,
    )
