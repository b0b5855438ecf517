"""The answers of the hot routes: bytes that are ready, and the fewest headers that say so.

Litestar's own response builds header objects for each answer; this is a ready-made ASGI answer,
which Litestar sends as it is.
"""

from collections.abc import Iterable
from typing import Any, Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

_JSON: Final = (b"content-type", b"application/json")


class JsonAnswer(ASGIResponse):
    """``body``, JSON already, under ``status``. ``headers`` in lower case, encoded."""

    def __init__(
        self, body: bytes, status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        # Not ASGIResponse's: what it prepares is what this one leaves out.
        self.body = body
        self.status_code = status
        self._headers = [_JSON, (b"content-length", b"%d" % len(body)), *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self._headers}
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def answers(status: int, kind: Any, description: str) -> dict[int, ResponseSpec]:
    """The entry of a successful answer, for ``responses=``: a ready-made one has no type to read
    it from."""
    return {status: ResponseSpec(kind, generate_examples=False, description=description)}
