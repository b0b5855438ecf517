"""Which records an operator's selection takes."""

import datetime as dt
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from delivery.replay.selection import Selection, select

TRACE = "0af7651916cd43dd8448eb211c80319c"
START = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


class Opened(msgspec.Struct, tag="opened"):
    """A record."""


class Closed(msgspec.Struct, tag="closed"):
    """Another one."""


def decode(_: bytes | None, value: bytes | None) -> Any:
    return {b"o": Opened, b"c": Closed}[value or b""]()


def raw(offset: int, key: bytes, value: bytes, minute: int = 0, trace: str | None = None) -> Any:
    time = START + dt.timedelta(minutes=minute)
    return SimpleNamespace(
        topic="doors",
        partition=0,
        offset=offset,
        key=key,
        value=value,
        timestamp=int(time.timestamp() * 1000),
        headers=[("traceparent", f"00-{trace}-b7ad6b7169203331-01".encode())] if trace else [],
    )


RECORDS = [
    raw(0, b"1", b"o", 0, TRACE),
    raw(1, b"2", b"o", 1),
    raw(2, b"1", b"c", 2, TRACE),
    raw(3, b"1", b"?", 3),
    raw(4, b"3", b"o", 4),
]


async def taken(**selection: Any) -> list[int]:
    async def batches() -> AsyncIterator[list[Any]]:
        yield RECORDS[:3]
        yield RECORDS[3:]

    found = select(batches(), Selection(**selection), decode)
    return [each.raw.offset async for each in found]


def minute(number: int) -> dt.datetime:
    return START + dt.timedelta(minutes=number)


@pytest.mark.parametrize(
    ("selection", "offsets"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"keys": frozenset({b"1"})}, [0, 2, 3]),
        ({"keys": frozenset({b"2", b"3"})}, [1, 4]),
        ({"since": minute(2)}, [2, 3, 4]),
        ({"until": minute(2)}, [0, 1]),
        ({"since": minute(1), "until": minute(3)}, [1, 2]),
        ({"traces": frozenset({int(TRACE, 16)})}, [0, 2]),
        ({"types": frozenset({"opened"})}, [0, 1, 4]),
        ({"types": frozenset({"undecodable"})}, [3]),
        ({"types": frozenset({"opened"}), "keys": frozenset({b"1"})}, [0]),
        ({"limit": 2}, [0, 1]),
        ({"limit": 3}, [0, 1, 2]),
        ({"limit": 1, "types": frozenset({"closed"})}, [2]),
    ],
)
async def test_a_record_is_taken_when_it_is_all_that_was_asked_for(
    selection: dict[str, Any], offsets: list[int]
) -> None:
    assert await taken(**selection) == offsets
