"""What the list of dead letters makes of whatever lies on a dead-letter topic."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.dead_letters import indexer
from delivery.dead_letters.letters import (
    NO_DEAD_LETTER,
    REDRIVEN_FROM,
    UNLISTABLE,
    Letter,
    headers_from,
    letter_of,
)
from delivery.dead_letters.redrive import Targets
from delivery.dead_letters.story import PREFIX, headers_of, story_of
from delivery.kafka.records import Metadata

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"
FIELDS = (
    "topic", "partition", "offset", "timestamp", "group", "error-type", "error-message",
    "attempts", "failed-at", "trace",
)  # fmt: skip


def place(headers: Any, key: bytes | None = b"7") -> Metadata:
    return Metadata("orders.dlq", 3, 42, key, NOW, tuple(headers))


def buried(headers: list[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    raw: Any = SimpleNamespace(
        topic="orders", partition=2, offset=1187, timestamp=1_700_000_000_000
    )
    failed = f"00-{'1' * 32}-b7ad6b7169203331-01"
    return list(headers_of(story_of(raw, ValueError("no\x00"), 4, "backend", failed), headers))


def test_a_dead_letter_is_listed_under_the_place_it_came_from_with_its_record() -> None:
    headers: list[tuple[str, bytes | None]] = [
        ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode()),
        ("a", b"\xff"),
        ("a", None),
        (REDRIVEN_FROM, b"orders/2/7"),
    ]
    letter = letter_of(b"\x00\xff", place(buried(headers)))
    assert letter.id == "orders/2/1187"
    assert (letter.dead_letter_partition, letter.dead_letter_offset) == (3, 42)
    assert (letter.key, letter.value) == (b"7", b"\x00\xff")
    assert headers_from(letter.headers) == headers
    assert (letter.error_type, letter.error_message, letter.attempts) == (
        "ValueError",
        "no\ufffd",
        4,
    )
    assert (letter.trace_id, letter.failed_trace_id) == (TRACE, "1" * 32)
    assert letter.redriven_from == "orders/2/7"


def test_what_tells_no_story_is_listed_under_its_own_place() -> None:
    letter = letter_of(None, place([("x", b"1")], key=None))
    assert (letter.id, letter.error_type) == ("orders.dlq/3/42", NO_DEAD_LETTER)


@pytest.mark.parametrize("field", ["group", "error-type", "error-message", "trace"])
def test_no_text_of_the_story_is_too_long_for_a_column_and_its_index(field: str) -> None:
    headers = [*buried([(REDRIVEN_FROM, "é".encode() * 500_000)])]
    headers.append((f"{PREFIX}{field}", "é".encode() * 500_000))
    row = msgspec.structs.asdict(letter_of(b"", place(headers)))
    row.pop("headers")  # which are the record's own, exact, and in no index
    assert row["id"] == "orders/2/1187"
    assert max(len(text) for text in row.values() if isinstance(text, str)) <= 1000
    for indexed in ("error_type", "redriven_from", "id"):
        assert len(row[indexed].encode()) < 2700, "PostgreSQL's longest index row"


class Refusing:
    """A pool whose database refuses any row with a value, or with this error all of them."""

    def __init__(self, error: Exception, everything: bool = False) -> None:
        self.rows: list[Letter] = []
        self._error = error
        self._everything = everything

    async def execute(self, statement: str, *values: Any) -> None:
        letter = Letter(**dict(zip(Letter.__struct_fields__, values, strict=True)))
        if letter.value is not None or self._everything:
            raise self._error
        self.rows.append(letter)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ProgramLimitExceededError("index row size 500016 exceeds btree maximum"),
        asyncpg.DataError("invalid input"),
        asyncpg.CheckViolationError("no"),
    ],
)
async def test_what_the_database_refuses_is_listed_as_such_under_its_own_place(
    error: Exception,
) -> None:
    pool = Refusing(error)
    await indexer._list(pool, "", letter_of(b"x", place(buried([("a", b"b")]))))
    (row,) = pool.rows
    assert (row.id, row.error_type) == ("orders.dlq/3/42", UNLISTABLE)
    assert type(error).__name__ in row.error_message
    assert (row.value, row.headers) == (None, "[]")


async def test_a_database_that_is_away_is_not_taken_for_a_letter_that_cannot_be_listed() -> None:
    pool = Refusing(asyncpg.ConnectionDoesNotExistError("gone"), everything=True)
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await indexer._list(pool, "", letter_of(b"x", place(buried([]))))


def test_a_letter_goes_only_to_a_topic_that_is_consumed_or_that_the_operator_names() -> None:
    ours = Targets(origins={"orders"})
    named = Targets(origins={"orders"}, to="elsewhere")
    true: dict[str, str] = {"topic": "orders", "error_type": "ValueError"}
    assert (ours.of(true), named.of(true)) == ("orders", "elsewhere")
    for claimed in ("orders.dlq", "payments", "__consumer_offsets"):
        false = {**true, "topic": claimed}
        with pytest.raises(ValueError, match=f"{claimed}.*--to"):
            ours.of(false)
        assert named.of(false) == "elsewhere"
    with pytest.raises(ValueError, match="--to"):
        ours.of({**true, "error_type": NO_DEAD_LETTER})
    for targets in (ours, named):
        with pytest.raises(ValueError, match="not in the list"):
            targets.of({**true, "error_type": UNLISTABLE})


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*(PREFIX + field for field in FIELDS), "x", REDRIVEN_FROM]),
            st.none()
            | st.binary()
            | st.integers().map(lambda number: str(number).encode())
            | st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat().encode()),
        )
    ),
    st.binary() | st.none(),
)
def test_anything_has_a_row_that_postgresql_can_hold(
    headers: list[tuple[str, bytes | None]], value: bytes | None
) -> None:
    # Half of the story is true, so that the other half gets its turn.
    for given_headers in (headers, [*buried([]), *headers]):
        letter = letter_of(value, place(given_headers))
        texts = (letter.id, letter.consumer_group, letter.error_type, letter.error_message)
        assert not [text for text in texts if "\x00" in text]
        assert "\x00" not in (letter.redriven_from or "")
        assert 0 <= letter.partition < 2**31
        assert 0 <= letter.offset < 2**63
        assert 0 <= letter.attempts < 2**31
        assert letter.failed_at.utcoffset() == dt.timedelta(0)
        assert letter.recorded_at.year < 10_000
