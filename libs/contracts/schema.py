"""How Faust reads and writes the records.

Faust acknowledges a message that does not decode and drops it (its agents never see the bytes). So
this schema never raises: an undecodable message travels as its ``DecodeError``, in the place of the
value, and whoever handles it decides.
"""

from typing import Any

import faust
from faust.types import Message

from contracts.codec import DecodeError, decode, encode
from contracts.records import BookRecord


class RecordSchema(faust.Schema[Any, Any]):
    """Keys are the raw bytes; a value is a ``BookRecord``, or the ``DecodeError`` it gave."""

    def __init__(self) -> None:
        super().__init__(key_serializer="raw", value_serializer="raw", allow_empty=False)

    def loads_key(self, app: Any, message: Message, **_: Any) -> bytes | None:
        """The key's bytes as they came."""
        return message.key

    def loads_value(self, app: Any, message: Message, **_: Any) -> BookRecord | DecodeError:
        """The record, or the error that says why there is none."""
        try:
            return decode(message.key, message.value)
        except DecodeError as error:
            return error

    def dumps_value(
        self, app: Any, value: BookRecord | bytes | None, *, headers: Any, **_: Any
    ) -> tuple[bytes | None, Any]:
        """The record's bytes; bytes that are ready (an outbox row's, a replay's) go as they are."""
        if value is None or isinstance(value, bytes):
            return value, headers
        return encode(value), headers
