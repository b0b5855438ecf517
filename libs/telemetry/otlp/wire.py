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
from collections.abc import Mapping, Sequence
from typing import Any

logger = logging.getLogger(__name__)

MAX_STARTS = 1024
"""Keys kept, with the size of what follows; they start afresh when they are as many."""
MAX_STRINGS = 1024
"""Pairs of a key and a string kept; they start afresh when they are as many."""
MAX_SEEN_ONCE = 64
"""Pairs that were seen once, of which those that come again soon are kept. Ids and paths do not."""
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


class AttributeEncoder(dict[tuple[str, Any], bytes]):
    """Attributes as repeated KeyValue fields under one tag; a dictionary of those that repeat.

    It keeps strings only: as keys, 1 and True are the same, and as attributes they are not. Not
    locked: a lost or repeated entry would cost time, never bytes.
    """

    def __init__(self, tag: bytes) -> None:
        super().__init__()
        self._tag = tag
        self._seen_once: dict[tuple[str, str], bytes] = {}
        self._starts: dict[tuple[str, int], bytes] = {}

    def __call__(self, attributes: Mapping[str, Any] | None) -> bytes:
        """Bytes of all attributes in order; one that cannot be encoded is logged and left out."""
        if not attributes:
            return b""
        try:
            return b"".join(map(self.__getitem__, attributes.items()))
        except TypeError:  # a value that cannot be looked for
            return b"".join([self.__missing__(pair) for pair in attributes.items()])

    def __missing__(self, pair: tuple[str, Any]) -> bytes:
        key, value = pair
        kind = type(value)
        try:
            if kind is str:
                return self._string(pair)
            if kind is int and 0 <= value <= _INT64_MAX:
                number = varint(value)
                return self._start(key, -len(number)) + number
            return block(self._tag, key_value(key, value))
        except Exception:
            logger.exception("Left out attribute %r, which has no OTLP encoding", key)
            return b""

    def _string(self, pair: tuple[str, str]) -> bytes:
        field = self._seen_once.get(pair)
        if field is not None:
            if len(self) >= MAX_STRINGS:
                self.clear()
            self[pair] = field
            return field
        value = pair[1].encode()
        field = self._start(pair[0], len(value)) + value
        if len(field) <= MAX_CACHED_LENGTH:
            if len(self._seen_once) >= MAX_SEEN_ONCE:
                self._seen_once.clear()
            self._seen_once[pair] = field
        return field

    def _start(self, key: str, size: int) -> bytes:
        """What stands before a string of so many bytes, or before an integer of ``-size``."""
        start = self._starts.get((key, size))
        if start is None:
            kind = b"\x18" if size < 0 else b"\x0a" + varint(size)
            before = text(b"\x0a", key) + b"\x12" + varint(len(kind) + abs(size)) + kind
            start = self._tag + varint(len(before) + abs(size)) + before
            if len(start) <= MAX_CACHED_LENGTH:
                if len(self._starts) >= MAX_STARTS:
                    self._starts.clear()
                self._starts[key, size] = start
        return start
