"""Whether a process lives, and whether it does its work: the same three routes in each service.

Live: the event loop answers. Ready: what the service cannot work without is there. An orchestrator
must not restart what only waits for something else, so the two differ.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from contracts.problems import FieldError, problem

PATHS: Final = frozenset({"/health", "/health/live", "/health/ready"})
"""Asked every few seconds by machines, and therefore not traced."""

Readiness = Callable[[], Awaitable[list[FieldError]]]
"""What keeps the service from its work just now, by part: ``database``, ``kafka``, …"""


Degraded = Callable[[], list[FieldError]]
"""What does not work just now and keeps nobody from being served, by part: ``relay``."""


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """``live`` or ``ready``; ``degraded`` names what an operator should look at all the same."""

    status: str
    degraded: list[FieldError] = []


def health_routes(
    readiness: Readiness, ready_when: str, degraded: Degraded = list
) -> list[HTTPRouteHandler]:
    """GET /health, /health/live and /health/ready; ``ready_when`` says what the last one means."""

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
        summary=ready_when,
        tags=["health"],
    )
    async def ready() -> Health:
        if missing := await readiness():
            reasons = "; ".join(f"{part.field}: {part.reason}" for part in missing)
            raise problem(503, reasons, missing)
        return Health("ready", degraded())

    return [health, live, ready]
