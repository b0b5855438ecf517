"""The two tables of the sending side: what is to be sent, and who may send it."""

from piccolo.columns import JSONB, BigInt, BigSerial, Bytea, Text, Timestamptz, Varchar
from piccolo.table import Table


class OutboxRow(Table, tablename="outbox"):
    """A record that waits to be sent. The row goes when the broker has acknowledged the record.

    `parked_at` set means: it can never be sent as it is, see `error`; it waits for an operator, who
    has it tried again or discards it (`delivery.sending.commands`).
    """

    id = BigSerial(primary_key=True)
    topic = Varchar(length=249, required=True)  # Kafka's limit
    key = Bytea(required=True)
    value = Bytea(required=True)
    trace_context = JSONB(null=True, default=None)  # traceparent, tracestate of the request
    created_at = Timestamptz()
    parked_at = Timestamptz(null=True, default=None)
    error = Text(null=True, default=None)


class RelayLease(Table, tablename="relay_lease"):
    """Who may send, until when; one row per name. `epoch` counts the changes of hands."""

    name = Varchar(length=100, primary_key=True)
    owner = Varchar(length=100)
    epoch = BigInt()
    expires_at = Timestamptz()


def named(statement: str) -> str:
    """With the tables' names for ``{outbox}`` and ``{lease}``, in the schema that they are in: see
    ``delivery.postgres.bind_tables``."""
    return statement.format(
        outbox=OutboxRow._meta.get_formatted_tablename(),
        lease=RelayLease._meta.get_formatted_tablename(),
    )
