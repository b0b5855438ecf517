"""The records in Faust's hands: nothing is ever raised there, for Faust would lose the message."""

import datetime as dt
import uuid
from typing import Any

import faust
import pytest
from faust.types import TP, Message

from contracts.codec import DecodeError, encode
from contracts.records import Book, BookAdded, BookStatus, key_of
from contracts.topics import BOOK_INGESTION, BOOK_INGESTION_DLQ, TOPICS
from delivery.topics import TopicDescription

RECORD = BookAdded(
    event_id=uuid.uuid4(),
    sequence=1,
    occurred_at=dt.datetime.now(dt.UTC),
    book=Book(id=7, title="Emma", author="Jane Austen", status=BookStatus.lost),
)


@pytest.fixture
def app() -> faust.App:
    return faust.App("schema-test", broker="kafka://127.0.0.1:1", web_enabled=False)


async def received(
    app: faust.App, topic: TopicDescription[Any], key: bytes | None, value: bytes | None
) -> Any:
    """What an agent of the topic gets for these bytes."""
    message = Message(
        topic=topic.name,
        partition=0,
        offset=0,
        timestamp=0.0,
        timestamp_type=0,
        headers=[],
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        tp=TP(topic.name, 0),
    )
    return await app.topic(topic.name, schema=topic.schema).decode(message, propagate=True)


async def test_a_record_arrives_as_a_record_under_its_raw_key(app: faust.App) -> None:
    event = await received(app, BOOK_INGESTION, b"7", encode(RECORD))
    assert (event.key, event.value) == (b"7", RECORD)


@pytest.mark.parametrize("value", [None, b"", b"nonsense", b"\xff"])
@pytest.mark.parametrize("key", [None, b"7", b"\xff"])
async def test_what_does_not_decode_arrives_as_the_error(
    app: faust.App, key: bytes | None, value: bytes | None
) -> None:
    event = await received(app, BOOK_INGESTION, key, value)
    assert isinstance(event.value, DecodeError)
    assert (event.message.key, event.message.value) == (key, value)


async def test_a_dead_letter_arrives_byte_for_byte(app: faust.App) -> None:
    event = await received(app, BOOK_INGESTION_DLQ, b"\xff", b"\x00\xff")
    assert (event.key, event.value) == (b"\xff", b"\x00\xff")


async def test_a_record_is_sent_as_its_encoding_and_bytes_as_they_are(app: faust.App) -> None:
    topic = app.topic(BOOK_INGESTION.name, schema=BOOK_INGESTION.schema)
    for value in (RECORD, encode(RECORD)):
        sent = topic.prepare_value(value, None, None, None)[0]  # type: ignore[arg-type]  # untyped
        assert sent == encode(RECORD)
    assert topic.prepare_key(key_of(RECORD), None, None, None)[0] == b"7"  # type: ignore[arg-type]


def test_the_topic_keeps_the_newest_record_of_each_book_and_a_week_of_history() -> None:
    assert BOOK_INGESTION.name == "book_ingestion"
    assert BOOK_INGESTION.partitions == 4
    assert BOOK_INGESTION.config == {
        "cleanup.policy": "compact",
        "min.compaction.lag.ms": "604800000",
    }


def test_no_dead_letter_expires() -> None:
    assert BOOK_INGESTION.dead_letter is BOOK_INGESTION_DLQ
    assert BOOK_INGESTION_DLQ.name == "book_ingestion.dlq"
    assert BOOK_INGESTION_DLQ.config["retention.ms"] == "-1"
    assert {topic.name for topic in TOPICS} == {"book_ingestion", "book_ingestion.dlq"}
