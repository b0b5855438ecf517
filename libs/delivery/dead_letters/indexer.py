"""Fills the table from the dead-letter topic, as one more consumption of the worker.

It consumes with the same guarantees as any topic: an offset is committed after the row is durable.
It has no dead letters of its own: whatever fails there is tried again for as long as it takes, and
meanwhile the messages wait where they are, on a topic that keeps them. That holds up nothing else,
and need not make a service unready.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from delivery.dead_letters.letters import letter_of
from delivery.dead_letters.store import insert
from delivery.kafka.app import KafkaApp
from delivery.kafka.records import Metadata
from delivery.receiving.consumer import Consumption, consume
from delivery.topics import RecordSchema, TopicDescription


def index_dead_letters(
    app: KafkaApp, dead_letters: TopicDescription[Any], table: str, pool: Callable[[], Any]
) -> Consumption:
    """Have the worker list what arrives on this dead-letter topic in the table of this name.

    ``pool`` is asked at each record for an asyncpg pool. Call it before the worker starts.
    """
    statement = insert(table)

    async def index(message: ConsumerRecord, metadata: Metadata) -> None:
        letter = letter_of(message.value, metadata)
        await pool().execute(statement, *msgspec.structs.astuple(letter))

    return consume(app, _any_bytes(dead_letters), index, classify=_passes)


def _passes(_: BaseException) -> bool:
    """Every failure does, one day: a dead letter that cannot be listed is not to be skipped."""
    return True


class _Messages(RecordSchema[ConsumerRecord]):
    """A schema that takes anything: the message itself is the record."""

    def loads_value(self, app: Any, message: ConsumerRecord, **_: Any) -> ConsumerRecord:
        return message


def _any_bytes(topic: TopicDescription[Any]) -> TopicDescription[ConsumerRecord]:
    """The dead-letter topic as one to be consumed.

    ``consume`` asks for a place for what cannot be decoded or fails for good. Neither happens: so
    it is the topic itself.
    """
    return msgspec.structs.replace(topic, schema=_Messages(), dead_letter=topic)
