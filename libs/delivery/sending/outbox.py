"""The outbox: what is to be sent commits with the change that it tells of, or not at all.

A request writes its record here, in its own transaction, and is done: it never waits for Kafka. The
relay sends it afterwards (see `relay`). Delivery is at least once, in the order in which the
transactions wrote the records of one key: hold a lock on what the key stands for (the row that was
changed) when you add, so that this order is the order of the changes.
"""

from collections.abc import Callable, Sequence

import asyncpg
import msgspec

from delivery.postgres import Engine
from delivery.sending.outbox_app.tables import OutboxRow
from telemetry.kafka import current_context_headers

__all__ = ["NoTransactionError", "Outbox", "OutboxRow", "trace_context"]

INSERT = "INSERT INTO outbox (topic, key, value, trace_context) VALUES ($1, $2, $3, $4)"

# Ids are given in the order of the arrays.
INSERT_MANY = """
INSERT INTO outbox (topic, key, value, trace_context)
SELECT $1, record.key, record.value, $4
FROM unnest($2::bytea[], $3::bytea[]) WITH ORDINALITY AS record (key, value, position)
ORDER BY record.position
"""


class NoTransactionError(RuntimeError):
    """A record was added outside of a transaction, where it would not commit with anything."""


class Outbox:
    """Where a service puts the records that are to be sent.

    `wake` is called after a commit, by `committed`: the relay's `wake` in a process that has one.
    """

    def __init__(self, engine: Engine, wake: Callable[[], None] | None = None) -> None:
        self._engine = engine
        self._wake = wake

    async def add(self, topic: str, key: bytes, value: bytes) -> None:
        """Add one record to the transaction that is open (`engine.transaction()`).

        It is sent if and only if that transaction commits, as a child of the span that is current
        now. Raises NoTransactionError.
        """
        await self._connection().execute(INSERT, topic, key, value, trace_context())

    async def add_many(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Add (key, value) pairs, in this order, in one statement; otherwise as `add`."""
        if not records:
            return
        keys, values = zip(*records, strict=True)
        await self._connection().execute(INSERT_MANY, topic, keys, values, trace_context())

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


def trace_context() -> str | None:
    """The current span's context as the outbox's column `trace_context` keeps it, so that the send
    becomes that span's child: for statements of one's own that write outbox rows. None outside of
    any span."""
    headers = current_context_headers()
    return msgspec.json.encode(headers).decode() if headers else None
