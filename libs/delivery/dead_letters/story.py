"""What a dead letter is: the record's exact key, bytes and headers, and its story in headers.

The story is in headers named ``dead-letter-*``, in UTF-8, so that any client can read it. It stands
behind the record's own headers, whatever those are called, and begins with ``dead-letter-topic``,
so that the record can go back to where it came from byte for byte.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiokafka import ConsumerRecord

from telemetry.errors import message_of, type_of

PREFIX: Final = "dead-letter-"
_FIRST: Final = f"{PREFIX}topic"
LONGEST_MESSAGE: Final = 1000
LONGEST_TYPE: Final = 200

RawHeaders = Sequence[tuple[str, bytes | None]]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """The story of a dead letter.

    ``timestamp`` is the original record's, in milliseconds since 1970; ``attempts`` counts calls of
    the handler, 0 for a record that could not be decoded; ``trace`` is the ``traceparent`` of the
    span in which it failed.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    group: str
    error_type: str
    error_message: str
    attempts: int
    failed_at: datetime
    trace: str | None = None


def story_of(
    raw: ConsumerRecord, error: BaseException, attempts: int, group: str, trace: str | None
) -> DeadLetter:
    """The story of a record that failed with this error, now."""
    return DeadLetter(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp=raw.timestamp,
        group=group,
        error_type=type_of(error)[:LONGEST_TYPE],
        error_message=message_of(error)[:LONGEST_MESSAGE],
        attempts=attempts,
        failed_at=datetime.now(UTC),
        trace=trace,
    )


def headers_of(story: DeadLetter, original: Iterable[tuple[str, bytes | None]]) -> RawHeaders:
    """The original headers as they were, then the story's."""
    told = msgspec.to_builtins(story)
    return [
        *original,
        *(
            (PREFIX + field.replace("_", "-"), str(value).encode())
            for field, value in told.items()
            if value is not None
        ),
    ]


def read_story(headers: Iterable[tuple[str, bytes | None]]) -> DeadLetter:
    """The story in a dead letter's headers.

    Raises:
        msgspec.ValidationError: it has none, or not all of it.
    """
    _, story = _divided(headers)
    fields = {
        name.removeprefix(PREFIX).replace("-", "_"): value.decode("utf-8", "replace")
        for name, value in story
        if name.startswith(PREFIX) and value is not None
    }
    return msgspec.convert(fields, DeadLetter, strict=False)


def original_headers(headers: Iterable[tuple[str, bytes | None]]) -> RawHeaders:
    """The headers that the record had before it was dead-lettered."""
    own, _ = _divided(headers)
    return own


def _divided(headers: Iterable[tuple[str, bytes | None]]) -> tuple[RawHeaders, RawHeaders]:
    """The record's own headers, and those of the story."""
    every = list(headers)
    for place in range(len(every) - 1, -1, -1):
        if every[place][0] == _FIRST:
            return every[:place], every[place:]
    return every, []
