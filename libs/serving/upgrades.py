"""Offers to change the protocol (``Upgrade: h2c``), which are declined by not hearing them.

A client that offers h2c (``curl --http2``, Java's HttpClient) speaks HTTP/1.1 until it is told
otherwise (RFC 9110, section 7.8). The parser takes an offer for the end of HTTP on the connection,
though, and drops the request's body and whatever follows: so the request is parsed again as if the
offer had not been made.
"""

from collections.abc import Iterable
from typing import Final

_HOP_BY_HOP: Final = frozenset((b"upgrade", b"http2-settings", b"connection"))


def offers_websocket(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether one of the offers is a WebSocket; names are in lower case."""
    return any(name == b"upgrade" and b"websocket" in value.lower() for name, value in headers)


def without_offer(
    method: bytes, target: bytes, version: str, headers: list[tuple[bytes, bytes]]
) -> bytes:
    """The request's head as it would be without the offer."""
    tokens = [
        token
        for name, value in headers
        if name == b"connection"
        for token in (part.strip().lower() for part in value.split(b","))
        if token in (b"close", b"keep-alive")
    ]
    kept = [header for header in headers if header[0] not in _HOP_BY_HOP]
    if tokens:
        kept.append((b"connection", b", ".join(tokens)))
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode())]
    lines += [b"%b: %b" % header for header in kept]
    return b"\r\n".join([*lines, b"", b""])
