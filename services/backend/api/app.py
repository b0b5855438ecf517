"""The Litestar application, from its parts. It opens nothing: its document can be exported, and its
routes tested, without a database or a broker."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.types import Middleware

from backend.api.controllers import CatalogueController
from backend.api.store import CatalogueStore
from contracts.conventions import Conventions, described
from contracts.health import Readiness, health_routes


def create_api(
    catalogue: CatalogueStore,
    readiness: Readiness,
    conventions: Conventions,
    *,
    require_database: Callable[[], object] = lambda: None,
    routes: Sequence[Router] = (),
    middleware: Sequence[Middleware] = (),
) -> Litestar:
    """The API over the read model.

    ``require_database`` raises while the database is not there with its tables; ``routes`` and
    ``middleware`` are the libraries' that are mounted beside the catalogue.
    """

    async def before_request(_: Request[Any, Any, Any]) -> None:
        require_database()

    catalogued = Router(
        "/", route_handlers=[CatalogueController, *routes], before_request=before_request
    )
    return Litestar(
        [catalogued, *health_routes(readiness, "The database answers and the consumer runs")],
        dependencies={"catalogue": Provide(lambda: catalogue, sync_to_thread=False)},
        plugins=[conventions],
        middleware=list(middleware),
        openapi_config=described(
            "backend", "The catalogue of the books: shelf marks and sort keys."
        ),
        debug=False,
    )
