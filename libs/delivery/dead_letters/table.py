"""The columns, for a table of the service's own:

    class DeadLetterRow(DeadLetterColumns, Table, tablename="dead_letter"): ...

The service makes the migration (Piccolo's, with ``--auto``) and names the table to the rest here.
"""

from piccolo.columns import BigInt, Bytea, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow


class DeadLetterColumns:
    """One record that was given up.

    ``id`` is ``topic/partition/offset`` of its origin, and so there is one row however often the
    record was dead-lettered. ``key``, ``value`` and ``headers`` are the record as it came; headers
    are a JSON array of [name, value in base64 or null]. ``trace_id`` is the trace of the request
    that caused the record, ``failed_trace_id`` the one in which it failed.
    ``state`` is new, redriven or discarded, since ``state_at``. ``redriven_to`` is where the record
    was sent again, ``redriven_from`` the id of the dead letter that this record is a redrive of.
    """

    id = Text(primary_key=True)
    topic = Text()
    partition = Integer()
    offset = BigInt()
    dead_letter_topic = Text()
    dead_letter_partition = Integer()
    dead_letter_offset = BigInt()
    consumer_group = Text()
    error_type = Text(index=True)
    error_message = Text()
    attempts = Integer()
    recorded_at = Timestamptz()
    failed_at = Timestamptz()
    trace_id = Text(null=True, default=None)
    failed_trace_id = Text(null=True, default=None)
    key = Bytea(null=True, default=None)
    value = Bytea(null=True, default=None)
    headers = Text(default="[]")
    state = Text(default="new", index=True)
    state_at = Timestamptz(default=TimestamptzNow())
    redriven_to = Text(null=True, default=None)
    redriven_from = Text(null=True, default=None, index=True)
