"""Of each key the record with the highest sequence, whatever else is on the topic."""

from collections.abc import AsyncIterator
from typing import Any

from delivery.replay.newest import newest_of_each
from delivery.replay.selection import Found


async def found(*records: Any) -> AsyncIterator[Found]:
    for record in records:
        nothing: Any = None
        yield Found(nothing, nothing, record, "any")


async def newest(*records: Any) -> dict[str, tuple[str, int, str]]:
    return await newest_of_each(
        found(*records), key=lambda record: record[0], sequence=lambda record: record[1]
    )


async def test_the_highest_sequence_counts_and_not_the_place():
    assert await newest(("a", 1, "x"), ("a", 3, "y"), ("b", 1, "z"), ("a", 2, "late")) == {
        "a": ("a", 3, "y"),
        "b": ("b", 1, "z"),
    }


async def test_of_two_with_one_sequence_the_first_counts():
    """It is the one that was applied; the other is a repeat."""
    assert await newest(("a", 1, "first"), ("a", 1, "second")) == {"a": ("a", 1, "first")}


async def test_what_cannot_be_decoded_says_nothing():
    assert await newest(ValueError("no JSON"), ("a", 1, "x")) == {"a": ("a", 1, "x")}
    assert await newest() == {}
