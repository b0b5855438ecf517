"""Who sends a body without end would keep a request, and a stop that waits for it, for ever."""

import asyncio
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.status_codes import HTTP_408_REQUEST_TIMEOUT
from litestar.types import ASGIApp, Receive, Scope, Send

MAX_TIME: Final = 30.0
"""Seconds in which a body must have come."""

_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


class BodyTimeout(ASGIMiddleware):
    """Answers 408 when a body's end has not come within ``MAX_TIME`` seconds."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Litestar's hook."""
        if scope.get("method") not in _WITH_BODY:
            await next_app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + MAX_TIME
        more = True

        async def receive_in_time() -> Any:
            nonlocal more
            if not more:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message: Any = await receive()
            except TimeoutError:
                raise HTTPException(
                    status_code=HTTP_408_REQUEST_TIMEOUT,
                    detail=f"The body has not come within {MAX_TIME:g} s.",
                ) from None
            more = message.get("more_body", False)
            return message

        await next_app(scope, receive_in_time, send)
