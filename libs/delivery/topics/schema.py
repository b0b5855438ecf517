"""Records to bytes and back, as schemas that Faust takes.

Faust acknowledges a message that does not decode and drops it. So these never raise in Faust's
hands: an undecodable message travels as its error, in the place of the value, and whoever handles
it decides. A format of one's own is a subclass of ``RecordSchema`` with ``decode`` and ``encode``.
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import faust
import msgspec

T = TypeVar("T")
KeyFunction = Callable[[T], bytes | str | int | None]
_QUOTED_VALUE: Final = re.compile(r"(?<=value) (['\"]).*\1", re.DOTALL)


class NotARecordError(ValueError):
    """The bytes are not a record of this topic. Its text repeats nothing of them."""


class RecordSchema(faust.Schema[bytes | None, T]):
    """Keys are raw bytes; values are records of the type ``T``."""

    def __init__(self) -> None:
        super().__init__(key_serializer="raw", value_serializer="raw", allow_empty=False)

    def decode_record(self, key: bytes | None, value: bytes | None) -> T:
        """The record in a message. Raises ValueError for anything else; its text travels in
        headers and logs, and so repeats nothing of the value."""
        raise NotImplementedError

    def encode(self, record: T) -> bytes:
        """The message's value for a record."""
        raise NotImplementedError

    def key_of(self, record: T) -> bytes | None:
        """The message's key for a record; None where the records do not have it in them."""
        return None

    def loads_key(self, app: Any, message: Any, **_: Any) -> bytes | None:
        """The key's bytes as they came."""
        key: bytes | None = message.key
        return key

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """The record, or the ValueError that says why there is none."""
        try:
            return self.decode_record(message.key, message.value)
        except ValueError as error:
            return error

    def dumps_key(self, app: Any, key: Any, *, headers: Any, **_: Any) -> tuple[bytes | None, Any]:
        """The key's bytes: text as UTF-8, a number in decimal."""
        return key_bytes(key), headers

    def dumps_value(
        self, app: Any, value: Any, *, headers: Any, **_: Any
    ) -> tuple[bytes | None, Any]:
        """The record's bytes; bytes that are ready (an outbox row's, a replay's) go as they are."""
        if value is None or isinstance(value, bytes):
            return value, headers
        return self.encode(value), headers


class JsonSchema(RecordSchema[T]):
    """JSON by msgspec: strict about what the type names, blind to what it does not, so that records
    may gain fields. ``key`` gives a record's key, where it is in the record."""

    def __init__(self, record_type: Any, key: KeyFunction[T] | None = None) -> None:
        super().__init__()
        self._decoder = msgspec.json.Decoder(record_type)
        self._encoder = msgspec.json.Encoder()
        self._key = key

    def decode_record(self, key: bytes | None, value: bytes | None) -> T:
        """Raises NotARecordError, also for a value that is missing."""
        if value is None:
            raise NotARecordError("no value")
        try:
            record: T = self._decoder.decode(value)
        except RecursionError:
            raise NotARecordError("nested too deeply") from None
        except ValueError as error:  # not JSON, not UTF-8, or not this type
            raise NotARecordError(_QUOTED_VALUE.sub("", str(error))) from None
        return record

    def encode(self, record: T) -> bytes:
        """UTF-8 JSON."""
        return self._encoder.encode(record)

    def key_of(self, record: T) -> bytes | None:
        """What the function gives, as bytes."""
        return None if self._key is None else key_bytes(self._key(record))


class BytesSchema(RecordSchema[bytes | None]):
    """Somebody else's bytes, a missing value included."""

    def decode_record(self, key: bytes | None, value: bytes | None) -> bytes | None:
        """The bytes as they came."""
        return value

    def encode(self, record: bytes | None) -> bytes:
        """The bytes. A missing value is sent as one by Faust, and cannot stand in an outbox."""
        if record is None:
            raise TypeError("a record without a value has no bytes")
        return record


def key_bytes(key: Any) -> bytes | None:
    """A key as every client of Kafka would write it. Raises TypeError for what is no key."""
    match key:
        case None | bytes():
            return key
        case str():
            return key.encode()
        case int() if not isinstance(key, bool):
            return b"%d" % key
    raise TypeError(f"a key is bytes, text or a whole number, not {type(key).__name__}")
