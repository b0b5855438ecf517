"""What any request may be answered with, whichever route it is for, in the OpenAPI document.

The server in front (``serving``) refuses what it bounds and what a page of another origin sends,
and anything may go wrong: that is said once, here. A route names what is its own (``documented``).
"""

from typing import Final

from litestar.routes import BaseRoute, HTTPRoute

from contracts.problems import documented

READS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
OF_ALL: Final = (400, 408, 431, 500, 503)
OF_WRITES: Final = (403, 413, 415)


def document_refusals(route: BaseRoute) -> None:
    """Add them to the responses of a route that has been registered."""
    if not isinstance(route, HTTPRoute):
        return
    for handler in route.route_handlers:
        statuses = OF_ALL if handler.http_methods <= READS else (*OF_ALL, *OF_WRITES)
        handler.responses = {**documented(*statuses), **(handler.responses or {})}
