"""Whether the process lives, and whether it does its work.

Live: the event loop answers. Ready: the database answers and the consumer runs; an orchestrator
must not restart what only waits for Kafka, so the two differ.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from contracts.problems import FieldError, documented, problem_response

PATHS: Final = frozenset({"/health", "/health/live", "/health/ready"})
"""Asked every few seconds by machines, and therefore not traced."""

Readiness = Callable[[], Awaitable[list[FieldError]]]
"""What keeps the service from its work just now, by part: ``database``, ``kafka``, ``circuit``."""


class Health(msgspec.Struct, frozen=True):
    """``live`` or ``ready``."""

    status: str


def health_routes(readiness: Readiness) -> list[HTTPRouteHandler]:
    """GET /health, /health/live and /health/ready."""

    @get("/health", operation_id="health", summary="As /health/live", tags=["health"])
    async def health() -> Health:
        return Health("live")

    @get("/health/live", operation_id="health_live", summary="The process lives", tags=["health"])
    async def live() -> Health:
        return Health("live")

    @get(
        "/health/ready",
        operation_id="health_ready",
        summary="The database answers and the consumer runs",
        tags=["health"],
        responses=documented(503),
    )
    async def ready() -> Response[Health]:
        if missing := await readiness():
            reasons = "; ".join(f"{part.field}: {part.reason}" for part in missing)
            return problem_response(503, reasons, missing)  # type: ignore[return-value]  # a problem
        return Response(Health("ready"))

    return [health, live, ready]
