"""What the HTTP APIs of both services have in common, as one plugin of Litestar's.

Problem details for every error, and in the document those that any route has; numbers in digits,
JSON that is read leniently where nobody asks, the page under /schema with both documents, and no
set-up of logging: that is the process's.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.openapi import OpenAPIConfig
from litestar.plugins import InitPlugin, ReceiveRoutePlugin
from litestar.routes import BaseRoute
from litestar.types import Scope

from contracts.asyncapi import asyncapi_route
from contracts.digits import in_digits
from contracts.problems import Problems
from contracts.refusals import document_refusals
from contracts.requests import JsonRequest
from contracts.schema_page import SchemaPage, schema_router

VERSION: Final = "1.0.0"
"""Of both APIs."""


def described(title: str, description: str) -> OpenAPIConfig:
    """Litestar's ``openapi_config=``; a route's description is its docstring."""
    return OpenAPIConfig(
        title=title,
        version=VERSION,
        description=description,
        openapi_router=schema_router(),
        render_plugins=[SchemaPage()],
        use_handler_docstrings=True,
    )


def openapi_of(api: Litestar) -> bytes:
    """The OpenAPI document as indented JSON."""
    return (
        msgspec.json.format(msgspec.json.encode(api.openapi_schema.to_schema()), indent=2) + b"\n"
    )


class Conventions(InitPlugin, ReceiveRoutePlugin):
    """``unavailable`` says what to tell of errors that pass (503); ``record_exception`` is told of
    every exception that a route raised, before it becomes an answer."""

    def __init__(
        self,
        unavailable: Callable[[BaseException], str | None] = lambda _: None,
        record_exception: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self._problems = Problems(unavailable)
        self._record_exception = record_exception

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Litestar's hook."""

        async def record(error: Exception, _: Scope) -> None:
            self._record_exception(error)

        app_config.after_exception.append(record)
        app_config.middleware.append(in_digits)
        app_config.request_class = JsonRequest
        app_config.route_handlers.append(asyncapi_route())
        app_config.logging_config = None
        return self._problems.on_app_init(app_config)

    def receive_route(self, route: BaseRoute) -> None:
        """Litestar's hook."""
        document_refusals(route)
