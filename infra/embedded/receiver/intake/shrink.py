"""Makes a message that is too large fit: long values are cut, the other large fields left out."""

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from embedded.receiver import limits
from embedded.receiver.intake.wire import BYTES, Budget, fields, places

_TEXT = 1  # AnyValue.string_value


def shrunk(data: bytes, budget: Budget, *, pairs: int, value: int | None = None) -> bytes:
    """The message without what is large in it; at most PIECE_BYTES and a little.

    `pairs` is the number of the field with its attributes, `value` of one with a value, if it has
    one. Raises Malformed, TooMuch.
    """
    kept = bytearray()
    for number, wire, begin, start, end in places(data, budget):
        field = data[begin:end]
        if wire == BYTES and end - start > limits.TEXT:
            if number == pairs:
                made = _cut_pair(data[start:end], budget)
            elif number == value:
                made = _cut_value(data[start:end], budget).SerializeToString()
            else:
                continue
            field = _varint(number << 3 | BYTES) + _varint(len(made)) + made
        if len(kept) + len(field) > limits.PIECE_BYTES:
            continue
        kept += field
    return bytes(kept)


def _cut_pair(data: bytes, budget: Budget) -> bytes:
    key, value = "", AnyValue()
    for number, field in fields(data, budget):
        if number == 1:
            key = field[: limits.TEXT].decode("utf-8", "ignore")
        elif number == 2:
            value = _cut_value(field, budget)
    return KeyValue(key=key, value=value).SerializeToString()


def _cut_value(data: bytes, budget: Budget) -> AnyValue:
    for number, field in fields(data, budget):
        if number == _TEXT:
            # A few more than are kept, so that who reads it sees that it was longer, and says so.
            return AnyValue(string_value=field[: limits.TEXT + 8].decode("utf-8", "ignore"))
        break
    return AnyValue(string_value=f"({len(data)} bytes, not kept)")


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
