"""A second table beside a live one, and the moment in which it takes the live one's place.

Until then the live table is not touched, and afterwards there is no trace of the old one. Whatever
ends the work in between leaves at most the shadow behind, which the next one drops.
"""

from typing import Any, Final, TypeVar

from piccolo.table import Table

T = TypeVar("T", bound=Table)

_SUFFIX: Final = "_shadow"
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext($1))"


class Busy(RuntimeError):
    """Somebody else makes this table anew just now."""


class Changed(RuntimeError):
    """The live table has other columns than when the shadow was made: a migration ran."""


def shadow_of(table: type[T]) -> type[T]:
    """The shadow as a table of Piccolo's, for queries that run on the shadow's connection."""
    meta = table._meta

    class Shadow(  # type: ignore[call-arg]  # a base that is only known at run time
        table,  # type: ignore[valid-type,misc]
        tablename=f"{meta.tablename}{_SUFFIX}",
        schema=meta.schema,
        db=meta.db,
    ):
        pass

    return Shadow


class ShadowTable:
    """The shadow of a table, on one connection of its own (asyncpg, outside of any pool).

    ``schema`` and ``table`` are plain lower-case names. ``mine``: no other connection has it.
    """

    def __init__(self, connection: Any, schema: str, table: str) -> None:
        self._connection = connection
        self._schema = schema
        self._table = table
        self.live = f'"{schema}".{table}'
        self.name = f"{self.live}{_SUFFIX}"
        self.mine = False

    async def create(self) -> None:
        """An empty shadow with the live table's columns, indexes, constraints and grants.

        Raises:
            Busy: another connection has one. It is free when that connection ends.
        """
        if not await self._connection.fetchval(_LOCK, self.name):
            raise Busy(f"{self.live} is being rebuilt by somebody else just now")
        self.mine = True
        async with self._connection.transaction():
            await self.drop()
            await self._connection.execute(
                f"CREATE TABLE {self.name} (LIKE {self.live} INCLUDING ALL)"
            )
            for grant in await self._connection.fetch(_GRANTS, self.live, self.name):
                await self._connection.execute(grant["statement"])
        # Its commits need not reach the disk one by one: the swap's does, and takes them with it.
        await self._connection.execute("SET synchronous_commit = off")

    async def drop(self) -> None:
        """Without the shadow."""
        await self._connection.execute(f"DROP TABLE IF EXISTS {self.name}")

    async def analyze(self) -> None:
        """Statistics, so that the queries on it are planned well from the first one on."""
        await self._connection.execute(f"ANALYZE {self.name}")

    async def count(self) -> tuple[int, int]:
        """Rows of the live table, rows of the shadow."""
        sql = f"SELECT (SELECT count(*) FROM {self.live}), (SELECT count(*) FROM {self.name})"  # noqa: S608 - our own names
        live, shadow = await self._connection.fetchrow(sql)
        return live, shadow

    async def lock(self, wait_s: float) -> None:
        """In a transaction: from here to its end nobody else writes to the live table.

        Readers go on. Raises asyncpg.LockNotAvailableError after ``wait_s`` seconds.
        """
        await self._connection.execute(f"SET LOCAL lock_timeout = '{int(wait_s * 1000)}ms'")
        await self._connection.execute(f"LOCK TABLE {self.live} IN SHARE ROW EXCLUSIVE MODE")

    async def swap(self) -> None:
        """In that transaction: the shadow becomes the live table, under the live one's names.

        A statement that waits for the old table's lock runs on the new one: PostgreSQL looks the
        name up again.

        Raises:
            Changed: a migration changed the live table meanwhile.
            asyncpg.DependentObjectsStillExistError: a view, or another table's foreign key, holds
                on to the live table.
        """
        columns = [
            await self._connection.fetch(_COLUMNS, table) for table in (self.live, self.name)
        ]
        if columns[0] != columns[1]:
            raise Changed(f"{self.live} was migrated meanwhile: begin again")
        await self._connection.execute("SET LOCAL synchronous_commit = on")
        names = await self._connection.fetch(_INDEXES, self.live)
        ours = await self._connection.fetch(_INDEXES, self.name)
        await self._connection.execute(f"DROP TABLE {self.live}")
        await self._connection.execute(f"ALTER TABLE {self.name} RENAME TO {self._table}")
        for (old,), (new,) in zip(names, ours, strict=True):
            await self._connection.execute(f'ALTER INDEX "{self._schema}".{new} RENAME TO {old}')


# In the order of their making, which LIKE keeps.
_INDEXES: Final = """
SELECT quote_ident(c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::regclass ORDER BY i.indexrelid
"""

_COLUMNS: Final = """
SELECT attname, atttypid, atttypmod, attnotnull FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname
"""

_GRANTS: Final = """
SELECT format('GRANT %s ON %s TO %s', a.privilege_type, $2::text,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
    AS statement
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.oid = $1::regclass AND a.grantee <> c.relowner
"""
