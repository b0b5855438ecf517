"""Whether the process lives, and whether it does its work.

Live: the event loop answers. Ready: the database answers, and its migrations have run. Kafka and
backend are not asked: without them books are still added and read.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from contracts.problems import FieldError, documented, problem_response

PATHS: Final = frozenset({"/health", "/health/live", "/health/ready"})
"""Asked every few seconds by machines, and therefore not traced."""

Readiness = Callable[[], Awaitable[str | None]]
"""Why the database keeps the service from its work just now; None when it does not."""


class Health(msgspec.Struct, frozen=True):
    """``live`` or ``ready``."""

    status: str


def health_routes(readiness: Readiness) -> list[HTTPRouteHandler]:
    """GET /health, /health/live and /health/ready."""

    # One handler each: of a handler with two paths, Litestar documents them in any order.
    @get("/health", operation_id="health", summary="As /health/live", tags=["health"])
    async def health() -> Health:
        return Health("live")

    @get("/health/live", operation_id="health_live", summary="The process lives", tags=["health"])
    async def live() -> Health:
        return Health("live")

    @get(
        "/health/ready",
        operation_id="health_ready",
        summary="The database answers, and its migrations have run",
        tags=["health"],
        responses=documented(503),
    )
    async def ready() -> Response[Any]:
        reason = await readiness()
        if reason is None:
            return Response(Health("ready"))
        return problem_response(503, reason, [FieldError("database", reason)])

    return [health, live, ready]
