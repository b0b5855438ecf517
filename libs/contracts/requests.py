"""A request whose JSON may hold any number, also one that is of no interest to us.

Litestar decodes a body to Python's objects before it looks at the types that a route asks for; a
number that no float holds (``1e999``) would be an error there, although it stands in a field that
the route ignores. Here it is infinite: where a type does not allow that, it says so.
"""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import SerializationException

_decode: Final = msgspec.json.Decoder(float_hook=float).decode


class JsonRequest(Request[Any, Any, Any]):
    """Litestar's ``request_class``. No route here has a type with a decoder of its own."""

    async def json(self) -> Any:
        """The decoded body. Raises SerializationException, RecursionError, UnicodeDecodeError."""
        try:
            return _decode(await self.body() or b"null")
        except msgspec.DecodeError as error:
            raise SerializationException(str(error)) from error
