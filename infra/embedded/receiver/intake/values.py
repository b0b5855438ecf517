"""OTLP's values as plain data that JSON can carry, cut where they are longer than is kept."""

import math
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any, TypeVar

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from embedded.receiver import limits
from embedded.receiver.model import Attributes

T = TypeVar("T")

LATEST = 2**63 - 1
"""Nanoseconds since the epoch: the year 2262. A later time is none."""


class Cuts:
    """Whether anything of one span or line was cut."""

    __slots__ = ("happened",)

    def __init__(self) -> None:
        self.happened = False

    def text(self, value: str, most: int = limits.TEXT) -> str:
        if len(value) <= most:
            return value
        self.happened = True
        return f"{value[:most]}… (cut)"

    def value(self, value: AnyValue) -> Any:
        """Bytes become hexadecimal text; numbers that JSON does not have, their names."""
        match value.WhichOneof("value"):
            case "string_value":
                return self.text(value.string_value)
            case "array_value":
                return [self.value(item) for item in self.first(value.array_value.values)]
            case "kvlist_value":
                return self.attributes(value.kvlist_value.values)
            case "bytes_value":
                return self.text(value.bytes_value[: limits.TEXT].hex())
            case "double_value":
                number = value.double_value
                return number if math.isfinite(number) else str(number)
            case "int_value":
                return value.int_value
            case "bool_value":
                return value.bool_value
        return None

    def attributes(self, pairs: Collection[KeyValue]) -> Attributes:
        first = self.first(pairs)
        return {self.text(pair.key, limits.TEXT // 16): self.value(pair.value) for pair in first}

    def first(self, items: Collection[T], most: int = limits.ATTRIBUTES) -> Iterable[T]:
        if len(items) <= most:
            return items
        self.happened = True
        return islice(items, most)


def time_of(value: int) -> int:
    """A time that was sent, or 0 for one that is none."""
    return value if 0 <= value <= LATEST else 0


def id_of(value: bytes, length: int) -> str:
    """A trace's or span's id in hexadecimal; empty for one of zeros alone, which is none."""
    return value[:length].hex() if any(value[:length]) else ""
