"""The small parts of the receiving side, one by one."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from aiokafka import ConsumerRecord

from delivery.dead_letters.rate import TokenBucket
from delivery.dead_letters.story import PREFIX, headers_of, original_headers, read_story, story_of
from delivery.kafka.records import metadata_of
from delivery.receiving.partition import Progress
from delivery.receiving.retry import Circuit, PermanentError, RetryPolicy, is_passing


def raw(**changes: Any) -> ConsumerRecord:
    """A record as aiokafka gives it."""
    fields: dict[str, Any] = {
        "topic": "t",
        "partition": 3,
        "offset": 42,
        "timestamp": 1_700_000_000_123,
        "timestamp_type": 0,
        "key": b"k",
        "value": b"v",
        "checksum": None,
        "serialized_key_size": 1,
        "serialized_value_size": 1,
        "headers": (),
    }
    return ConsumerRecord(**(fields | changes))


# -- progress


def test_the_position_never_passes_what_is_unfinished() -> None:
    progress = Progress()
    assert progress.position is None
    progress.take([1, 2, 3])
    progress.take([4, 5])
    progress.finish([1])
    progress.finish([3, 4, 5])
    assert progress.position == 2
    progress.finish([2])
    assert progress.position == 6


def test_offsets_that_were_compacted_away_are_no_holes() -> None:
    progress = Progress()
    progress.take([10, 17, 90])
    progress.finish([10])
    assert progress.position == 17
    progress.finish([17, 90])
    assert progress.position == 91
    progress.take([100])
    assert progress.position == 100


# -- failures


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncio.TimeoutError(),  # noqa: UP041 - another type before Python 3.11
        asyncpg.ConnectionDoesNotExistError("lost"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.DiskFullError("full"),
        asyncpg.InvalidSQLStatementNameError("a pooler gave another session"),
        asyncpg.UndefinedTableError("being restored"),
        asyncpg.InterfaceError("connection is closed"),
    ],
)
def test_a_failure_that_says_nothing_of_the_record_passes(error: Exception) -> None:
    assert is_passing(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        PermanentError(),
        asyncpg.UniqueViolationError("twice"),
        asyncpg.DataError("no number"),
        asyncpg.UndefinedColumnError("no column"),
    ],
)
def test_a_failure_of_the_record_or_the_handler_does_not_pass(error: Exception) -> None:
    assert not is_passing(error)


def test_pauses_grow_to_the_longest_and_are_never_the_same_for_all() -> None:
    def ten(pauses: Iterator[float]) -> list[float]:
        return [next(pauses) for _ in range(10)]

    policy = RetryPolicy(first_pause=1, longest_pause=8)
    one, another = ten(policy.pauses()), ten(policy.pauses())
    assert one != another
    for pause, most in zip(one, [1, 2, 4, 8, 8, 8, 8, 8, 8, 8], strict=True):
        assert most / 2 <= pause <= most


# -- the circuit


def test_the_circuit_opens_after_failures_in_a_row_and_closes_with_a_success() -> None:
    circuit = Circuit("t", threshold=3)
    assert [circuit.failure("no") for _ in range(2)] == [False, False]
    circuit.success()
    assert [circuit.failure("no") for _ in range(4)] == [False, False, True, True]
    assert circuit.reason is not None
    assert "no" in circuit.reason
    circuit.success()
    assert not circuit.is_open
    assert not circuit.failure("no")


# -- the rate


def test_a_token_bucket_allows_a_burst_and_then_its_rate() -> None:
    now = 0.0
    bucket = TokenBucket(rate=10, burst=2, clock=lambda: now)
    assert [bucket.take() for _ in range(4)] == pytest.approx([0, 0, 0.1, 0.2])
    now = 10.0
    assert [bucket.take() for _ in range(3)] == pytest.approx([0, 0, 0.1])


# -- metadata and dead letters


def test_a_timestamp_that_is_no_time_does_not_stop_a_record() -> None:
    assert metadata_of(raw(timestamp=-1)).timestamp.year == 1969
    assert metadata_of(raw(timestamp=2**62)).timestamp == datetime.fromtimestamp(0, UTC)


def test_a_dead_letter_tells_its_story_and_keeps_the_headers_as_they_were() -> None:
    headers = [("traceparent", b"00"), ("traceparent", None), ("é", b"\xff")]
    record = raw(headers=headers)
    story = story_of(record, ValueError("no ü" + "x" * 5000), 4, "group", "00-1-2-01")
    sent = headers_of(story, record.headers)
    assert read_story(sent) == story
    assert list(original_headers(sent)) == headers
    assert story.error_message.startswith("no ü")
    assert len(story.error_message) == 1000
    assert (story.topic, story.partition, story.offset) == ("t", 3, 42)


def test_a_record_dead_lettered_twice_tells_its_last_story_and_keeps_the_first() -> None:
    first = headers_of(story_of(raw(), ValueError("1"), 1, "g", "00-1-2-01"), [("a", b"b")])
    second = headers_of(story_of(raw(offset=7), KeyError("2"), 2, "g", None), first)
    assert (read_story(second).offset, read_story(second).trace) == (7, None)
    assert original_headers(second) == first


@pytest.mark.parametrize("name", ["topic", "error-type", "failed-at", "nonsense", ""])
def test_headers_of_the_same_names_as_a_storys_come_back_as_they_were(name: str) -> None:
    own = [(f"{PREFIX}{name}", b"mine"), ("a", b"b"), (f"{PREFIX}{name}", None)]
    story = story_of(raw(headers=own), ValueError("1"), 1, "g", None)
    sent = headers_of(story, own)
    assert (read_story(sent), original_headers(sent)) == (story, own)


def test_headers_without_a_story_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_story([("dead-letter-topic", b"t"), ("other", None)])
