"""A topic of JSON records: what it reads, what it refuses, and what a refusal says."""

from typing import Any

import msgspec
import pytest

from delivery.kafka.json_topic import NotARecordError, json_topic


class Parcel(msgspec.Struct, tag=True):
    number: int
    to: str


TOPIC = json_topic("parcels", Parcel, partitions=2, config={"cleanup.policy": "compact"})


class Message:
    def __init__(self, value: bytes | None) -> None:
        self.value = value


def read(value: bytes | None) -> Any:
    return TOPIC.schema.loads_value(None, Message(value))  # type: ignore[arg-type]  # its value is all


def test_a_record_is_read_and_fields_of_a_later_version_are_ignored() -> None:
    assert read(b'{"type": "Parcel", "number": 1, "to": "Ada", "weight": 2}') == Parcel(1, "Ada")


def test_dead_letters_have_a_topic_that_keeps_them_and_is_as_wide() -> None:
    assert TOPIC.dead_letter is not None
    assert TOPIC.dead_letter.name == "parcels.dlq"
    assert TOPIC.dead_letter.partitions == TOPIC.partitions == 2
    assert TOPIC.dead_letter.config["retention.ms"] == "-1"
    assert TOPIC.dead_letter.dead_letter is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"\xff",
        b'"\xff"',
        b"[" * 100_000,
        b"null",
        b'{"type": "Parcel", "number": "one", "to": "s3cret"}',
        b'{"type": "s3cret"}',
    ],
)
def test_anything_else_is_refused_without_repeating_what_it_held(value: bytes | None) -> None:
    with pytest.raises(NotARecordError) as refused:
        read(value)
    assert "s3cret" not in str(refused.value)
