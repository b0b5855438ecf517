"""Sends dead letters back to the topics that they came from, or to one that the operator names.

Where a letter says that it came from is what its headers say, and whoever may write to the
dead-letter topic writes those: so it is obeyed only for the topics that the caller allows.

With the exact key and value and the headers as they were, but for the trace context (see
``kafka.clients.publishing``) and one header more, which names the dead letter. So the record is a
new one in its origin topic, whose offset, should it fail again, is the place of a new dead letter
that knows the old one.

A dead letter is sent once: its row is locked while it is sent, and noted as redriven in the same
transaction. Should that note be lost (the process killed, PostgreSQL gone after Kafka's answer),
a repeat sends it a second time, which the consumers' handlers must bear from any record.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final

import msgspec

from delivery.dead_letters.letters import NO_DEAD_LETTER, REDRIVEN_FROM, UNLISTABLE, headers_from
from delivery.dead_letters.store import Store
from delivery.kafka.availability import KAFKA_ERRORS, one_line
from delivery.kafka.clients.publishing import Pending, Publisher

_TOGETHER: Final = 100


class Outcome(msgspec.Struct, frozen=True):
    """What became of one: ``redriven_to`` its new place, or ``error`` why it stays new, or neither,
    when it is not new any more and nothing was done."""

    id: str
    redriven_to: str | None = None
    error: str | None = None


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """Where dead letters may go: back to where they came from, if that is one of ``origins``, or
    all of them ``to`` a topic that the operator has named."""

    origins: Collection[str]
    to: str | None = None

    def of(self, row: Any) -> str:
        """The topic for this one. Raises ValueError: why there is none."""
        if row["error_type"] == UNLISTABLE:
            raise ValueError("its record is not in the list: copy it from the dead-letter topic")
        if self.to is not None:
            return self.to
        if row["error_type"] == NO_DEAD_LETTER:
            raise ValueError("it does not say where it came from: --to names a topic")
        topic: str = row["topic"]
        if topic not in self.origins:
            raise ValueError(
                f"it says that it came from {topic}, which this worker does not consume:"
                " --to names a topic"
            )
        return topic


async def redrive(
    connection: Any, store: Store, publisher: Publisher, ids: Sequence[str], targets: Targets
) -> AsyncIterator[Outcome]:
    """Redrive these, in the order of their origins within each hundred.

    Raises:
        asyncpg.PostgresError, OSError: the database went away; what was sent and not reported may
            be sent again.
    """
    for start in range(0, len(ids), _TOGETHER):
        some = ids[start : start + _TOGETHER]
        async with connection.transaction():
            rows = await store.claim(connection, some)
            outcomes = await _send(publisher, rows, targets)
            done = [(o.id, o.redriven_to) for o in outcomes if o.redriven_to is not None]
            await store.redriven(connection, done)
        for outcome in outcomes:
            yield outcome
        for letter_id in set(some).difference(row["id"] for row in rows):
            yield Outcome(letter_id)


async def _send(publisher: Publisher, rows: Sequence[Any], targets: Targets) -> list[Outcome]:
    outcomes: list[Outcome] = []
    pending: list[tuple[str, str, Pending]] = []
    for row in rows:
        try:
            topic = targets.of(row)
        except ValueError as error:
            outcomes.append(Outcome(row["id"], error=str(error)))
            continue
        headers = [pair for pair in headers_from(row["headers"]) if pair[0] != REDRIVEN_FROM]
        headers.append((REDRIVEN_FROM, row["id"].encode()))
        try:
            sent = await publisher.send(topic, row["key"], row["value"], headers)
        except KAFKA_ERRORS as error:
            outcomes.append(Outcome(row["id"], error=one_line(error)))
        else:
            pending.append((row["id"], topic, sent))
    for letter_id, topic, sent in pending:
        try:
            at = await sent.settle()
        except KAFKA_ERRORS as error:
            outcomes.append(Outcome(letter_id, error=one_line(error)))
        else:
            outcomes.append(Outcome(letter_id, redriven_to=f"{topic}/{at.partition}/{at.offset}"))
    return outcomes
