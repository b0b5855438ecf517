"""A dead letter as a row, read from the message on the dead-letter topic.

Whatever lies on that topic has a row: what tells no story, or an impossible one, is listed as
something that is no dead letter of ours, under its own place. Anybody who may write to the topic
chooses what the headers say: each text is cut to a length that a column and its index can hold.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from delivery.dead_letters.story import (
    LONGEST_MESSAGE,
    LONGEST_TYPE,
    DeadLetter,
    original_headers,
    read_story,
)
from delivery.kafka.records import Metadata
from telemetry.kafka import extract

REDRIVEN_FROM: Final = "redriven-from"
"""The header of a redriven record: the id of its dead letter."""

NO_DEAD_LETTER: Final = "delivery.NoDeadLetter"
"""The error type of what lies on a dead-letter topic and is none."""

UNLISTABLE: Final = "delivery.UnlistableDeadLetter"
"""The error type of what PostgreSQL does not take; the record is on the topic alone."""

_LONGEST_NAME: Final = 300
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_MAX_INT: Final = 2**31 - 1
_MAX_BIGINT: Final = 2**63 - 1
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)

Headers = Iterable[tuple[str, bytes | None]]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A row's values as the indexer knows them; the names are the columns'."""

    id: str
    topic: str
    partition: int
    offset: int
    dead_letter_topic: str
    dead_letter_partition: int
    dead_letter_offset: int
    consumer_group: str
    error_type: str
    error_message: str
    attempts: int
    recorded_at: datetime
    failed_at: datetime
    trace_id: str | None
    failed_trace_id: str | None
    key: bytes | None
    value: bytes | None
    headers: str
    redriven_from: str | None


def letter_of(value: bytes | None, place: Metadata) -> Letter:
    """The row for a message on a dead-letter topic. Never raises."""
    try:
        story = _checked(read_story(place.headers))
    except (msgspec.ValidationError, ValueError, OverflowError):
        story = DeadLetter(
            topic=place.topic,
            partition=place.partition,
            offset=place.offset,
            timestamp=int(place.timestamp.timestamp() * 1000),
            group="",
            error_type=NO_DEAD_LETTER,
            error_message="its headers do not say where it came from and why",
            attempts=0,
            failed_at=place.timestamp,
        )
    headers = original_headers(place.headers)
    cause = extract(headers)
    failed = None if story.trace is None else extract([("traceparent", story.trace.encode())])
    return Letter(
        id=f"{story.topic}/{story.partition}/{story.offset}",
        topic=story.topic,
        partition=story.partition,
        offset=story.offset,
        dead_letter_topic=place.topic,
        dead_letter_partition=place.partition,
        dead_letter_offset=place.offset,
        consumer_group=_text(story.group, _LONGEST_NAME),
        error_type=_text(story.error_type, LONGEST_TYPE),
        error_message=_text(story.error_message, LONGEST_MESSAGE),
        attempts=story.attempts,
        recorded_at=datetime.fromtimestamp(story.timestamp / 1000, UTC),
        failed_at=story.failed_at,
        trace_id=None if cause is None else f"{cause.trace_id:032x}",
        failed_trace_id=None if failed is None else f"{failed.trace_id:032x}",
        key=place.key,
        value=value,
        headers=msgspec.json.encode(headers).decode(),
        redriven_from=_redriven_from(headers),
    )


def unlistable(letter: Letter, reason: str) -> Letter:
    """The row in place of one that PostgreSQL refused for this reason: where the message lies, and
    nothing of what it holds."""
    at = (letter.dead_letter_topic, letter.dead_letter_partition, letter.dead_letter_offset)
    return msgspec.structs.replace(
        letter,
        id="/".join(map(str, at)),
        topic=at[0],
        partition=at[1],
        offset=at[2],
        consumer_group="",
        error_type=UNLISTABLE,
        error_message=_text(reason, LONGEST_MESSAGE),
        attempts=0,
        recorded_at=_EARLIEST,
        failed_at=datetime.now(UTC),
        trace_id=None,
        failed_trace_id=None,
        key=None,
        value=None,
        headers="[]",
        redriven_from=None,
    )


def headers_from(column: str) -> list[tuple[str, bytes | None]]:
    """The record's headers, from what ``Letter.headers`` holds."""
    return msgspec.json.decode(column, type=list[tuple[str, bytes | None]])


def _checked(story: DeadLetter) -> DeadLetter:
    """The story, if PostgreSQL can hold it and Kafka can have had it. Raises ValueError."""
    failed_at = story.failed_at
    failed_at = failed_at.replace(tzinfo=UTC) if failed_at.tzinfo is None else failed_at
    failed_at = failed_at.astimezone(UTC)
    possible = (
        _TOPIC.fullmatch(story.topic)
        and 0 <= story.partition <= _MAX_INT
        and 0 <= story.offset <= _MAX_BIGINT
        and 0 <= story.attempts <= _MAX_INT
        and failed_at >= _EARLIEST
    )
    if not possible:
        raise ValueError
    # -1 is Kafka's "no time".
    timestamp = story.timestamp if 0 <= story.timestamp < 10**14 else 0
    return msgspec.structs.replace(story, failed_at=failed_at, timestamp=timestamp)


def _redriven_from(headers: Headers) -> str | None:
    found = [value for name, value in headers if name == REDRIVEN_FROM and value is not None]
    return _text(found[-1].decode("utf-8", "replace"), _LONGEST_NAME) if found else None


def _text(text: str, longest: int) -> str:
    """As PostgreSQL can hold it: without U+0000, and no longer than this."""
    return text[:longest].replace("\x00", "\ufffd")
