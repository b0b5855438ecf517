"""Numbers in an address are written in digits.

msgspec reads ``1e2`` and ``1.0`` as whole numbers where a text may stand for one, and Python's
``int()``, by which Litestar reads a path, takes ``1_0``, blanks and the digits of other scripts. No
client that was given an id or a limit by us writes them so: what comes so is a mistake.
"""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler

from contracts.problems import invalid
from contracts.reasons import FieldError


def in_digits(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's guard for all routes. Raises 404 for a path, 400 for a query's parameter."""
    for value in connection.path_params.values():
        if type(value) is int and not _stands_in(connection.scope["path"], value):
            raise NotFoundException("An id is written in decimal digits.")
    if connection.scope["query_string"]:
        for name, text in connection.query_params.items():
            given = handler.parsed_fn_signature.parameters.get(name)
            if given is not None and given.annotation is int and not _is_plain(text):
                raise invalid([FieldError(name, "must be a whole number, in decimal digits")])


def _stands_in(path: str, value: int) -> bool:
    parts = path.split("/")
    return str(value) in parts or any(_is_plain(part) and int(part) == value for part in parts)


def _is_plain(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal()
