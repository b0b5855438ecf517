"""Fills the table from the dead-letter topic, as one more agent of the worker.

It has the guarantees of any agent: an offset is committed after the row is durable. It has no dead
letters of its own: whatever fails there is tried again for as long as it takes, and meanwhile the
messages wait where they are, on a topic that keeps them. That holds up nothing else, and need not
make a service unready.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from faust.types import AgentT

from delivery.dead_letters.letters import letter_of
from delivery.dead_letters.store import insert
from delivery.kafka.app import KafkaApp
from delivery.kafka.records import metadata_of
from delivery.topics import RecordSchema, TopicDescription


def index_dead_letters(
    app: KafkaApp, dead_letters: TopicDescription[Any], table: str, pool: Callable[[], Any]
) -> AgentT[ConsumerRecord]:
    """Have the worker list what arrives on this dead-letter topic in the table of this name.

    ``pool`` is asked at each record for an asyncpg pool. Call it before the worker starts.
    """
    statement = insert(table)

    @app.agent(app.topic(_any_message(dead_letters)), name="dead_letters", classify=_passes)
    async def index(messages: Any) -> None:
        """List each dead letter in the table of dead letters."""
        async for message in messages:
            letter = letter_of(message.value, metadata_of(message))
            await pool().execute(statement, *msgspec.structs.astuple(letter))

    return index


def _passes(_: BaseException) -> bool:
    """Every failure does, one day: a dead letter that cannot be listed is not to be skipped."""
    return True


class _Messages(RecordSchema[ConsumerRecord]):
    """A schema that takes anything: the message itself is the record."""

    def loads_value(self, app: Any, message: ConsumerRecord, **_: Any) -> ConsumerRecord:
        """The message, undecoded."""
        return message


def _any_message(topic: TopicDescription[Any]) -> TopicDescription[ConsumerRecord]:
    """The dead-letter topic as one to be read by an agent.

    An agent asks for a place for what cannot be decoded or fails for good. Neither happens: so it
    is the topic itself.
    """
    return msgspec.structs.replace(topic, schema=_Messages(), dead_letter=topic)
