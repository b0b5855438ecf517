"""The outbox: what is to be sent commits with the change that it tells of, or not at all.

    async with engine.transaction():
        await Sale.insert(Sale(item="tea"))
        await outbox.add(ORDERS, Order(...))
    outbox.committed()

A request writes its record here, in its own transaction, and is done: it never waits for Kafka. The
relay sends it afterwards (see `relay`). The record's key and bytes are the topic's business: its
schema makes them, from a description or from the `faust.Topic` of one. Delivery is at least once,
in the order in which the transactions wrote the records of one key: hold a lock on what the key
stands for (the row that was changed) when you add, so that this order is the order of the changes.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import asyncpg
import msgspec
from piccolo.query.methods.insert import Insert

from delivery.postgres import Engine
from delivery.postgres.queries import Prepared
from delivery.sending.insert import MARK, insert_with_records
from delivery.sending.outbox_app.tables import OutboxRow, named
from delivery.topics import Encodes
from telemetry.kafka import current_context_headers

__all__ = ["NoKeyError", "NoTransactionError", "Outbox", "OutboxRow", "encoded", "trace_context"]

T = TypeVar("T")

INSERT = "INSERT INTO {outbox} (topic, key, value, trace_context) VALUES ($1, $2, $3, $4)"

# Ids are given in the order of the arrays.
INSERT_MANY = """
INSERT INTO {outbox} (topic, key, value, trace_context)
SELECT $1, record.key, record.value, $4
FROM unnest($2::bytea[], $3::bytea[]) WITH ORDINALITY AS record (key, value, position)
ORDER BY record.position
"""


class NoTransactionError(RuntimeError):
    """A record was added outside of a transaction, where it would not commit with anything."""


class NoKeyError(TypeError):
    """A record has no key: the outbox keeps the order of a key's records, and of no others."""


class Outbox:
    """Where a service puts the records that are to be sent.

    `wake` is called after a commit, by `committed`: the relay's `wake` in a process that has one.
    """

    def __init__(self, engine: Engine, wake: Callable[[], None] | None = None) -> None:
        self._engine = engine
        self._wake = wake

    async def add(self, topic: Encodes[T], record: T, *, key: Any = None) -> None:
        """Add one record to the transaction that is open (`engine.transaction()`).

        It is sent if and only if that transaction commits, as a child of the span that is current
        now. `key` (bytes, text or a whole number) is for records that do not have theirs in them.

        Raises:
            NoTransactionError: there is none open.
            NoKeyError: neither the topic's schema nor the caller gives a key.
        """
        row = encoded(topic, record, key)
        await self._connection().execute(named(INSERT), topic.name, *row, trace_context())

    async def add_many(self, topic: Encodes[T], records: Sequence[T]) -> None:
        """Add records, in this order, in one statement; otherwise as `add`."""
        if not records:
            return
        keys, values = zip(*(encoded(topic, record) for record in records), strict=True)
        await self._connection().execute(
            named(INSERT_MANY), topic.name, keys, values, trace_context()
        )

    async def insert(
        self,
        query: Insert[Any] | Prepared,
        topic: Encodes[T],
        records: Sequence[Callable[[int], T]],
        **given: Any,
    ) -> list[int]:
        """Insert rows and add a record of each, in one round trip; the rows' ids, in their order.

        For a table whose ids PostgreSQL gives. Each of ``records`` makes a row's record from the
        row's id, which has to stand exactly once in the record's key and in its value, in decimal.
        A prepared query returns its table's primary key, and `given` are its values. Outside of a
        transaction the statement is one of its own; otherwise as `add`.

        Raises:
            KeyError: a prepared query's value is missing.
            NoKeyError: the topic's schema gives no key.
            ValueError: the id does not stand there, or stands there twice.
        """
        marked = [encoded(topic, record(MARK)) for record in records]
        return await insert_with_records(query, given, topic.name, marked, trace_context())

    def committed(self) -> None:
        """Say that a transaction with records in it has committed; call it after the commit.

        Returns at once and never fails. It only saves the relay's poll (a second at most): a
        process that dies before it gets here loses nothing.
        """
        if self._wake is not None:
            self._wake()

    def _connection(self) -> asyncpg.Connection:
        transaction = self._engine.current_transaction.get()
        if transaction is None:
            raise NoTransactionError("the outbox takes records inside a transaction only")
        return transaction.connection


def encoded(topic: Encodes[T], record: T, key: Any = None) -> tuple[bytes, bytes]:
    """A record's key and value, for statements of one's own that write outbox rows.

    Raises NoKeyError.
    """
    found, value = topic.encode(record, key)
    if found is None:
        raise NoKeyError(
            f"a record of {topic.name} needs a key: give its topic one, json_topic(..., key=...),"
            " or outbox.add(..., key=...)"
        )
    return found, value


def trace_context() -> str | None:
    """The current span's context as the outbox's column `trace_context` keeps it, so that the send
    becomes that span's child: for statements of one's own that write outbox rows. None outside of
    any span."""
    headers = current_context_headers()
    return msgspec.json.encode(headers).decode() if headers else None
