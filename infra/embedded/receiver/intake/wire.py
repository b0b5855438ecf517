"""Splits protobuf messages without building them.

A few KB can name millions of empty messages, each of which costs the parser 50 bytes and Python
a microsecond. So a request is first cut into its spans, lines or points here, which are counted,
and each is parsed by itself. Format: https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator

from embedded.receiver import limits

_VARINT, _FIXED64, BYTES, _FIXED32 = 0, 1, 2, 5


class Malformed(ValueError):
    """The bytes are no protobuf message."""


class TooMuch(Exception):
    """A request has more pieces, or takes longer, than the receiver gives to one."""


class Budget:
    """Counts the pieces of one request. `spend` raises TooMuch when there are too many."""

    def __init__(self, pieces: int = limits.PIECES) -> None:
        self._left = pieces

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooMuch(f"more than {limits.PIECES} pieces in one request")


def places(data: bytes, budget: Budget) -> Iterator[tuple[int, int, int, int, int]]:
    """Each field's number and wire type, and where its tag and its value begin and it ends.

    Raises Malformed where there is no message, TooMuch when the budget is spent.
    """
    position, end = 0, len(data)
    while position < end:
        budget.spend()
        begin = position
        tag, position = _varint(data, position)
        wire = tag & 7
        value = position
        if wire == BYTES:
            length, value = _varint(data, position)
            position = value + length
        elif wire == _VARINT:
            _, position = _varint(data, position)
        elif wire in (_FIXED64, _FIXED32):
            position += 8 if wire == _FIXED64 else 4
        else:
            raise Malformed(f"a field has wire type {wire}")
        if position > end:
            raise Malformed("a field is longer than its message")
        yield tag >> 3, wire, begin, value, position


def fields(data: bytes, budget: Budget) -> Iterator[tuple[int, bytes]]:
    """The fields that are texts, bytes or messages, each with its number."""
    for number, wire, _, begin, end in places(data, budget):
        if wire == BYTES:
            yield number, data[begin:end]


def chunks(data: bytes, number: int, budget: Budget) -> Iterator[bytes]:
    """Every message that is in field `number`."""
    for found, value in fields(data, budget):
        if found == number:
            yield value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number and the position behind it."""
    value = shift = 0
    while shift < 70:
        try:
            byte = data[position]
        except IndexError:
            raise Malformed("a number is cut off") from None
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise Malformed("a number is longer than ten bytes")
