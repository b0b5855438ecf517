"""Request bodies of the receiver: inflated within a bound, and parsed or refused with a reason."""

import importlib
import zlib
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from litestar import Request
from litestar.exceptions import ClientException, HTTPException

LIMIT = 64 * 1024 * 1024
"""Bytes, inflated. More than any exporter sends in a batch."""

M = TypeVar("M", bound=Message)


async def body_of(request: Request[Any, Any, Any]) -> bytes:
    """The body, its Content-Encoding (gzip, deflate, br or none) undone."""
    body = await request.body()
    encoding = request.headers.get("content-encoding", "identity").lower()
    match encoding:
        case "identity" | "":
            return body
        case "gzip" | "deflate":
            return _inflate(body, encoding)
        case "br":
            return _brotli(body)
    raise HTTPException(f"content encoding {encoding!r} is not supported", status_code=415)


def _inflate(body: bytes, encoding: str) -> bytes:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
    try:
        inflated = inflater.decompress(body, LIMIT)
    except zlib.error as error:
        raise ClientException(f"the body is not {encoding}: {error}") from error
    if inflater.unconsumed_tail:
        raise HTTPException("the body is too large", status_code=413)
    return inflated


def _brotli(body: bytes) -> bytes:
    """The Sentry SDK sends brotli wherever that package happens to be installed: then it is here
    as well, since services and receiver share an installation."""
    try:
        brotli = importlib.import_module("brotli")
    except ImportError as error:
        raise HTTPException("brotli is not installed", status_code=415) from error
    try:
        return bytes(brotli.decompress(body))
    except brotli.error as error:
        raise ClientException("the body is not br") from error


async def message_of(request: Request[Any, Any, Any], kind: type[M]) -> M:
    """The body as a protobuf message; 415 for JSON, 400 for anything that does not parse."""
    if request.headers.get("content-type", "").startswith("application/json"):
        raise HTTPException("OTLP over HTTP is taken as protobuf only", status_code=415)
    message = kind()
    try:
        message.ParseFromString(await body_of(request))
    except DecodeError as error:
        raise ClientException(f"not a {kind.__name__}: {error}") from error
    return message
