"""A row and its record in one statement, although PostgreSQL gives the id that the record tells.

The record is made with a mark in the place of the id, and parted at the mark; the statement inserts
the rows, and joins the parts around the ids that they got. So an insert costs one round trip and is
one transaction, with its record, also where nobody opened one. The mark is a number drawn at random
when the process starts: nothing from outside can hold it but by a chance of one in 10^18.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from piccolo.query.methods.insert import Insert

from delivery.postgres.queries import Prepared, connection_of
from delivery.sending.outbox_app.tables import OutboxRow

MARK: Final = 10**18 + secrets.randbelow(8 * 10**18)  # a bigint, of as many digits as any

# Ids are given in the order of the rows, and so grow with their places. What the statement ends
# with is the rows' table, by way of "new": that is what it is called in traces.
_STATEMENT: Final = """
WITH new AS ({insert}), placed AS (
    SELECT row_number() OVER (ORDER BY {id}) AS place, convert_to({id}::text, 'UTF8') AS id FROM new
), added AS (
    INSERT INTO {outbox} (topic, key, value, trace_context)
    SELECT ${n}, key_before || id || key_behind, value_before || id || value_behind, ${m}
    FROM placed JOIN unnest(${a}::bytea[], ${b}::bytea[], ${c}::bytea[], ${d}::bytea[])
        WITH ORDINALITY AS record (key_before, key_behind, value_before, value_behind, place)
        USING (place)
    ORDER BY place
)
SELECT {id} FROM new ORDER BY {id}
"""


async def insert_with_records(
    query: Insert[Any] | Prepared,
    given: Mapping[str, Any],
    topic: str,
    records: Sequence[tuple[bytes, bytes]],
    trace_context: str | None,
) -> list[int]:
    """Insert the rows and their records, keys and values with ``MARK`` in place of the id; the ids
    in the order of the rows. See ``Outbox.insert``."""
    parts = [(*_around_id(key), *_around_id(value)) for key, value in records]
    table = query.table._meta
    engine: Any = table.db
    if not isinstance(query, Prepared):
        query = Prepared(query.returning(table.primary_key))
    text, arguments = query.statement(given)
    first = len(arguments) + 1
    places = dict(zip("nmabcd", range(first, first + 6), strict=True))
    statement = _STATEMENT.format(
        insert=text,
        id=f'"{table.primary_key._meta.db_column_name}"',
        outbox=OutboxRow._meta.get_formatted_tablename(),
        **places,
    )
    columns = zip(*parts, strict=True) if parts else [()] * 4
    rows = await connection_of(engine).fetch(statement, *arguments, topic, trace_context, *columns)
    return [row[0] for row in rows]


def _around_id(text: bytes) -> tuple[bytes, bytes]:
    parts = text.split(b"%d" % MARK)
    if len(parts) != 2:
        raise ValueError("the id stands exactly once in a record's key, and in its value")
    return parts[0], parts[1]
