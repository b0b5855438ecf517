"""Request bodies: read and inflated within bounds, or refused with a reason."""

import importlib
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Request
from litestar.exceptions import ClientException, HTTPException

from embedded.receiver import limits

_CHUNK = limits.MIB


class InFlight:
    """Counts the bytes of all bodies that are in memory. `take` raises a 503 beyond the bound."""

    def __init__(self, most: int = limits.IN_FLIGHT_BYTES) -> None:
        self._left = most

    def take(self, count: int) -> None:
        if count > self._left:
            raise HTTPException(
                "too much comes at once: send it again",
                status_code=503,
                headers={"Retry-After": "1"},
            )
        self._left -= count

    def give_back(self, count: int) -> None:
        self._left += count


class _Taken:
    """The part of one request."""

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight
        self.count = 0

    def add(self, count: int) -> None:
        self._in_flight.take(count)
        self.count += count


@asynccontextmanager
async def body_of(request: Request[Any, Any, Any], in_flight: InFlight) -> AsyncIterator[bytes]:
    """The body, its Content-Encoding (gzip, deflate, br or none) undone, while in the block.

    Raises HTTPException: 413 when it is too large, inflated or not, 400 when it is not what it
    says, 415 for another encoding, 503 when others are too large. How long it may take to come is
    the server's matter.
    """
    taken = _Taken(in_flight)
    try:
        body = await _read(request, taken)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        match encoding:
            case "identity" | "":
                yield body
            case "gzip" | "deflate":
                yield _joined(_inflated(body, encoding), taken)
            case "br":
                yield _joined(_unbrotlied(body), taken)
            case _:
                reason = f"content encoding {encoding[:50]!r} is not supported"
                raise HTTPException(reason, status_code=415)
    finally:
        in_flight.give_back(taken.count)


async def _read(request: Request[Any, Any, Any], taken: _Taken) -> bytes:
    chunks = []
    async for chunk in request.stream():
        taken.add(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


def _joined(chunks: Iterator[bytes], taken: _Taken) -> bytes:
    made = bytearray()
    for chunk in chunks:
        if len(made) + len(chunk) > limits.BODY_BYTES:
            reason = f"the body is larger than {limits.BODY_BYTES // limits.MIB} MiB"
            raise HTTPException(reason, status_code=413)
        taken.add(len(chunk))
        made += chunk
    return bytes(made)


def _inflated(body: bytes, encoding: str) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
    try:
        while body and not inflater.eof:
            yield inflater.decompress(body, _CHUNK)
            body = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as error:
        raise ClientException(f"the body is not {encoding}: {error}") from error
    if not inflater.eof:
        raise ClientException(f"the body is not {encoding}: it is cut off")


def _unbrotlied(body: bytes) -> Iterator[bytes]:
    """The Sentry SDK sends brotli wherever that package happens to be installed: then it is here
    as well, since services and receiver share an installation."""
    try:
        brotli = importlib.import_module("brotli")
    except ImportError as error:
        raise HTTPException("brotli is not installed", status_code=415) from error
    inflater = brotli.Decompressor()
    try:
        yield inflater.process(body, output_buffer_limit=_CHUNK)
        while not inflater.is_finished():
            chunk = inflater.process(b"", output_buffer_limit=_CHUNK)
            if not chunk and not inflater.is_finished():
                raise ClientException("the body is not br: it is cut off")
            yield chunk
    except TypeError as error:  # before brotli 1.2 its output could not be bounded
        raise HTTPException("brotli 1.2 or newer is needed", status_code=415) from error
    except brotli.error as error:
        raise ClientException("the body is not br") from error
