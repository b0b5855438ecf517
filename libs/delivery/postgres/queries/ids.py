"""The ids that PostgreSQL gives: where they go on."""

from typing import Any, Final

from piccolo.columns import BigSerial, Serial

from delivery.postgres.queries.prepared import connection_of

_RAISE: Final = """
SELECT CASE WHEN $3 > nextval(name) THEN setval(name, $3) END
FROM CAST(pg_get_serial_sequence($1, $2) AS regclass) AS name
"""


async def raise_ids(column: Serial | BigSerial, above: int) -> None:
    """Have the next id be higher than this one, if it would not be anyway."""
    table = column._meta.table._meta
    name = table.get_formatted_tablename()
    engine: Any = table.db
    await connection_of(engine).fetchval(_RAISE, name, column._meta.db_column_name, above)
