"""A refusal: an RFC 9457 problem, as bytes on the wire or as ASGI messages.

Litestar and its handlers are not reached by what is refused here, so the shape is written out once
more, in its shortest form.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

RETRY_AFTER_S: Final = 1
"""What ``Retry-After`` says with a 503, in seconds: places and room are free again that soon."""

_TITLES: Final = {413: "Content Too Large", 431: "Request Header Fields Too Large"}


@dataclass(frozen=True)
class Refusal:
    """Why a request is not taken; ``detail`` is shown to the client."""

    status: int
    detail: str

    @property
    def body(self) -> bytes:
        """The problem as JSON."""
        title = _TITLES.get(self.status) or HTTPStatus(self.status).phrase
        problem = {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "errors": [],
        }
        return json.dumps(problem, separators=(",", ":")).encode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The answer's header, without what says that the connection ends."""
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(self.body)),
        ]
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append((b"retry-after", b"%d" % RETRY_AFTER_S))
        return headers

    def on_the_wire(
        self, headers: Iterable[tuple[bytes, bytes]] = (), *, bodiless: bool = False
    ) -> bytes:
        """The whole HTTP/1.1 answer, the last of its connection.

        ``headers`` come first; ``bodiless`` leaves the body out, as for HEAD.
        """
        phrase = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {phrase}".encode()]
        lines += [b"%b: %b" % header for header in (*headers, *self.headers)]
        lines += [b"connection: close", b"", b"" if bodiless else self.body]
        return b"\r\n".join(lines)

    async def send(self, send: Callable[[Any], Awaitable[None]]) -> None:
        """Answer with it as an ASGI application."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


class Refused(Exception):
    """Raised through the parser, to stop it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal
