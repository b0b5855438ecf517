"""Numbers in an address are written in digits.

msgspec reads ``1e2`` and ``1.0`` as whole numbers where a text may stand for one, and Python's
``int()``, by which Litestar reads a path, takes ``1_0``, blanks and the digits of other scripts. No
client that was given an id or a limit by us writes them so: what comes so is a mistake.
"""

from functools import lru_cache
from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from contracts.problems import invalid
from contracts.reasons import FieldError


def in_digits(app: ASGIApp) -> ASGIApp:
    """Litestar middleware. Answers 404 for a path, 400 for a query's parameter.

    No guard: Litestar copies the handler for each call of one, and takes one that is no coroutine
    function to a thread.
    """

    async def check(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            _check(scope)
        await app(scope, receive, send)

    return check


def _check(scope: Scope) -> None:
    parsed: dict[str, Any] = scope["path_params"]
    for value in parsed.values():
        if type(value) is int and not _stands_in(scope["path"], value):
            raise NotFoundException("An id is written in decimal digits.")
    if scope["query_string"]:
        numbers = _numbers_of(scope["route_handler"])
        if not numbers:
            return
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        for name, text in connection.query_params.items():
            if name in numbers and not _is_plain(text):
                raise invalid([FieldError(name, "must be a whole number, in decimal digits")])


@lru_cache(maxsize=1024)
def _numbers_of(handler: BaseRouteHandler) -> frozenset[str]:
    """The parameters of a handler that are whole numbers."""
    given = handler.parsed_fn_signature.parameters
    return frozenset(name for name, parameter in given.items() if parameter.annotation is int)


def _stands_in(path: str, value: int) -> bool:
    parts = path.split("/")
    return str(value) in parts or any(_is_plain(part) and int(part) == value for part in parts)


def _is_plain(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal()
