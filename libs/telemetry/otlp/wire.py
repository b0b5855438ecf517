"""Protobuf wire bytes of what all OTLP signals share: fields, values, attributes.

The stock encoder builds a tree of protobuf objects and then serialises it; that is most of what
a traced request costs. Nearly all of a batch repeats from one span to the next, so this one joins
bytes that it has encoded before.

Promise: the bytes equal those of ``opentelemetry-exporter-otlp-proto-common`` for the same input,
and what that one leaves out with a log line (a value it cannot encode) is left out here as well.
Caches are bounded in entries and in the length of what they keep.

Source of the format: opentelemetry-proto's common.proto, protobuf.dev/encoding.
"""

import logging
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

logger = logging.getLogger(__name__)

MAX_KEYS = 512
"""Keys kept; the cache starts afresh when it is full."""
MAX_STRINGS = 4096
"""Pairs of a key and a string kept; they start afresh when they are as many."""
MAX_CACHED_LENGTH = 1024
"""Fields longer than this many bytes are encoded each time."""

_double = struct.Struct("<Bd").pack
_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1


def _encode_varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


# What stands in a KeyValue before an int whose varint has so many bytes.
_INTEGERS = tuple(bytes((0x12, size + 1, 0x18)) for size in range(11))
_SMALL = tuple(_encode_varint(number) for number in range(4096))


def varint(number: int) -> bytes:
    """A base-128 varint of a number ≥ 0."""
    if number < 4096:
        return _SMALL[number]
    if 1 << 14 <= number < 1 << 21:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    if 1 << 21 <= number < 1 << 28:
        low = (number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14 & 0x7F | 0x80)
        return bytes((*low, number >> 21))
    return _encode_varint(number)


def block(tag: bytes, payload: bytes) -> bytes:
    """A length-delimited field, also when it is empty (messages and members of a oneof)."""
    return tag + varint(len(payload)) + payload


def text(tag: bytes, value: str | None) -> bytes:
    """A string field, left out when empty as proto3 wants."""
    return block(tag, value.encode()) if value else b""


def count(tag: bytes, number: int) -> bytes:
    """A uint32 or enum field, left out when zero. Raises OverflowError beyond 32 bits."""
    if not number:
        return b""
    if not 0 < number < 1 << 32:
        raise OverflowError(f"{number} does not fit in 32 bits")
    return tag + varint(number)


def any_value(value: Any) -> bytes:
    """An AnyValue without its tag. Raises ValueError for a number beyond 64 bits, UnicodeError
    for a lone surrogate, TypeError for a type that OTLP has no member for."""
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, str):
        return block(b"\x0a", value.encode())
    if isinstance(value, int):
        if not _INT64_MIN <= value <= _INT64_MAX:
            raise ValueError("an integer attribute beyond 64 bits")
        return b"\x18" + varint(int(value) & 0xFFFFFFFFFFFFFFFF)
    if isinstance(value, float):
        return _double(0x21, value)
    if isinstance(value, bytes):
        return block(b"\x3a", value)
    if isinstance(value, Sequence):
        return block(b"\x2a", b"".join([block(b"\x0a", any_value(item)) for item in value]))
    if isinstance(value, Mapping):
        pairs = [block(b"\x0a", key_value(str(key), item)) for key, item in value.items()]
        return block(b"\x32", b"".join(pairs))
    raise TypeError(f"no OTLP value for {type(value)}")


def key_value(key: str, value: Any) -> bytes:
    """A KeyValue without its tag."""
    return text(b"\x0a", key) + block(b"\x12", any_value(value))


class _Fields(dict[tuple[str, Any], bytes]):
    """Encoded attributes; ``make`` gives what is not there."""

    def __init__(self, make: Callable[[tuple[str, Any]], bytes]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, pair: tuple[str, Any]) -> bytes:
        return self._make(pair)


class AttributeEncoder:
    """Attributes as repeated KeyValue fields under one tag, keeping those that repeat.

    Not locked: a batch processor exports one batch at a time, and a lost or repeated entry would
    cost time, never bytes.
    """

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._keys: dict[str, tuple[bytes, ...]] = {}
        # No other values than strings: 1 and True are one key of a dictionary, and two attributes.
        self._strings = _Fields(self._new)

    def __call__(self, attributes: Mapping[str, Any] | None) -> bytes:
        """Bytes of all attributes in order; one that cannot be encoded is logged and left out."""
        if not attributes:
            return b""
        try:
            return b"".join(map(self._strings.__getitem__, attributes.items()))
        except TypeError:  # a value that cannot be looked for
            return b"".join([self._any(*pair) for pair in attributes.items()])

    def _new(self, pair: tuple[str, Any]) -> bytes:
        key, value = pair
        kind = type(value)
        if kind is str:
            return self._string(pair)
        if kind is int and 0 <= value <= _INT64_MAX and (known := self._keys.get(key)):
            number = varint(value)
            return known[len(number)] + number
        return self._any(key, value)

    def _string(self, pair: tuple[str, str]) -> bytes:
        known = self._keys.get(pair[0])
        if known is None or not pair[1].isascii():
            field = self._any(*pair)
        else:
            field = block(self._tag, known[0] + block(b"\x12", block(b"\x0a", pair[1].encode())))
        if 0 < len(field) <= MAX_CACHED_LENGTH:
            if len(self._strings) >= MAX_STRINGS:
                self._strings.clear()
            self._strings[pair] = field
        return field

    def _any(self, key: str, value: Any) -> bytes:
        try:
            encoded = block(self._tag, key_value(key, value))
        except Exception:
            logger.exception("Left out attribute %r, which has no OTLP encoding", key)
            return b""
        if key not in self._keys and len(key) <= MAX_CACHED_LENGTH:
            if len(self._keys) >= MAX_KEYS:
                self._keys.clear()
            self._keys[key] = self._starts(text(b"\x0a", key))
        return encoded

    def _starts(self, key: bytes) -> tuple[bytes, ...]:
        """The key, and what stands before an integer of 1, 2, … bytes under it."""
        sizes = range(1, len(_INTEGERS))
        return key, *(
            self._tag + varint(len(key) + 3 + size) + key + _INTEGERS[size] for size in sizes
        )
