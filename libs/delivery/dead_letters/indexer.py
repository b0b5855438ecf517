"""Fills the table from the dead-letter topic, as one more agent of the worker.

It has the guarantees of any agent: an offset is committed after the row is durable. It has no dead
letters of its own: whatever fails there is tried again for as long as it takes, and meanwhile the
messages wait where they are, on a topic that keeps them. That holds up nothing else, and need not
make a service unready. A message that PostgreSQL refuses for what it holds is listed as one that
cannot be listed: it would be refused again each time.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import asyncpg
import msgspec
from aiokafka import ConsumerRecord
from faust.types import AgentT

from delivery.dead_letters.letters import Letter, letter_of, unlistable
from delivery.dead_letters.store import insert
from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import one_line
from delivery.kafka.records import metadata_of
from delivery.topics import RecordSchema, TopicDescription

_LOG: Final = logging.getLogger(__name__)

# What is wrong with a row, and will be the next time: class 22, which asyncpg also raises by itself
# for what cannot be a parameter, 23, and 54, an index row too large.
_REFUSED: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    UnicodeError,
)


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
            await _list(pool(), statement, letter_of(message.value, metadata_of(message)))

    return index


async def _list(pool: Any, statement: str, letter: Letter) -> None:
    try:
        await pool.execute(statement, *msgspec.structs.astuple(letter))
    except _REFUSED as error:
        stand_in = unlistable(letter, one_line(error))
        _LOG.error("a dead letter cannot be listed, and stays on its topic: %s", stand_in.id)
        await pool.execute(statement, *msgspec.structs.astuple(stand_in))


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
