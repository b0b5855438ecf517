"""A request's body, read no further than its limit.

Litestar's own reader goes through an async generator and a header multi-dict on every request;
this one is the loop that the protocol asks for, and says where it stopped.
"""

import asyncio
from typing import Any, Final

from litestar import Request
from litestar.exceptions import ClientException, HTTPException
from litestar.status_codes import HTTP_408_REQUEST_TIMEOUT, HTTP_413_REQUEST_ENTITY_TOO_LARGE

MAX_BODY: Final = 1024 * 1024
"""Bytes in a body that holds one book."""

MAX_BULK_BODY: Final = 8 * 1024 * 1024
"""Bytes in a body that holds many."""


MAX_TIME: Final = 30.0
"""Seconds in which a body must have come: who sends for ever would keep a stop waiting for ever."""


async def read_body(request: Request[Any, Any, Any], limit: int = MAX_BODY) -> bytes:
    """The whole body, at most ``limit`` bytes of it.

    Raises:
        HTTPException: 413 as soon as the announced or the received length passes the limit; the
            rest stays unread. 408 when its end has not come within ``MAX_TIME`` seconds.
        ClientException: when the client goes away before its end.
    """
    announced = header(request, b"content-length")
    if announced and int(announced) > limit:  # digits: the server has checked
        raise _too_large(limit)
    try:
        async with asyncio.timeout(MAX_TIME):
            return await _read(request, limit)
    except TimeoutError:
        raise HTTPException(
            status_code=HTTP_408_REQUEST_TIMEOUT,
            detail=f"The body has not come within {MAX_TIME:g} s.",
        ) from None


async def _read(request: Request[Any, Any, Any], limit: int) -> bytes:
    parts = []
    received = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientException("The client went away before the end of its body.")
        parts.append(message["body"])
        received += len(message["body"])
        if received > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def header(request: Request[Any, Any, Any], name: bytes) -> str | None:
    """A header's value, the first if there are several; ``name`` in lower case."""
    for key, value in request.scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def _too_large(limit: int) -> HTTPException:
    return HTTPException(
        status_code=HTTP_413_REQUEST_ENTITY_TOO_LARGE,
        detail=f"The body is over {limit} bytes.",
    )
