"""Fills the table from the dead-letter topic, as one more consumption of the worker.

It consumes with the same guarantees as any topic: an offset is committed after the row is durable.
It has no dead letters of its own: whatever fails there is tried again for as long as it takes, and
meanwhile the messages wait where they are, on a topic that keeps them. That holds up nothing else,
and need not make a service unready.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from delivery.dead_letters.letters import letter_of
from delivery.dead_letters.store import insert
from delivery.kafka.app import KafkaApp
from delivery.kafka.records import Metadata
from delivery.kafka.topics import Topic
from delivery.receiving.consumer import Consumption, consume


def index_dead_letters(
    app: KafkaApp, dead_letters: Topic, table: str, pool: Callable[[], Any]
) -> Consumption:
    """Have the worker list what arrives on this dead-letter topic in the table of this name.

    ``pool`` is asked at each record for an asyncpg pool. Call it before the worker starts.
    """
    statement = insert(table)

    async def index(message: ConsumerRecord, metadata: Metadata) -> None:
        letter = letter_of(message.value, metadata)
        await pool().execute(statement, *msgspec.structs.astuple(letter))

    return consume(app, _AnyBytes(dead_letters), index, classify=_passes)


def _passes(_: BaseException) -> bool:
    """Every failure does, one day: a dead letter that cannot be listed is not to be skipped."""
    return True


class _Messages:
    """A schema that takes anything: the message itself is the record."""

    def loads_value(self, _: Any, message: ConsumerRecord) -> ConsumerRecord:
        return message


class _AnyBytes:
    """The dead-letter topic as one to be consumed.

    ``consume`` asks for a place for what cannot be decoded or fails for good. Neither happens: so
    it is the topic itself.
    """

    def __init__(self, topic: Topic) -> None:
        self.name: str = topic.name
        self.partitions: int = topic.partitions
        self.config: Mapping[str, str] = topic.config
        self.schema = _Messages()
        self.dead_letter: Topic = topic
