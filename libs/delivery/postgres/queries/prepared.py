"""Queries written in Piccolo, built once, and run as prepared statements.

Piccolo makes a query's text anew each time that it runs: objects for its clauses, strings for its
parts, which on a route that is asked often is more work than the query itself. Here that is done
once, and what is still to come stands in the query as a ``Given``:

    book_by_id = Prepared(Book.select(Book.id, Book.title).where(Book.id == Given("id")))
    row = await book_by_id.first(id=7)

What comes back is what Piccolo makes of the rows: dicts, unless the query says otherwise. Inside of
``engine.transaction()`` it runs there; otherwise on a connection of the pool, which keeps the
statement prepared; or where the caller says (``on``: a pool, or a connection of asyncpg's).
"""

from collections.abc import Mapping
from typing import Any

from piccolo.columns import Column
from piccolo.columns.combination import WhereRaw
from piccolo.engine.postgres import PostgresEngine
from piccolo.query.base import Query
from piccolo.table import Table

from delivery.postgres.errors import DatabaseAway


class Given:
    """In a query, the place of a value that each run gives, by this name. It goes to PostgreSQL as
    it is: Piccolo's conversions (an enum's value, JSON) are not made."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def of(self, given: Any) -> Any:
        """What PostgreSQL gets of what is given by this name."""
        return given


def any_of(column: Column, given: Given) -> WhereRaw:
    """That the column has one of the values of a list. Piccolo's ``is_in`` is another text for
    each number of values."""
    return WhereRaw("{} = ANY({})", column, given)


class Prepared:
    """A query to be run many times. Piccolo's ``limit()`` takes no ``Given``: ``limit`` here does;
    and ``first()`` is a method here."""

    def __init__(self, query: Query[Any, list[Any]], *, limit: Given | None = None) -> None:
        self._query = query
        self._limit = limit
        # By the table's schema, which a process learns from its settings.
        self._compiled: dict[str | None, tuple[str, list[Any]]] = {}

    async def first(self, on: Any = None, /, **given: Any) -> Any | None:
        """The first row, or None; otherwise as a call."""
        rows = await self(on, **given)
        return rows[0] if rows else None

    async def __call__(self, on: Any = None, /, **given: Any) -> list[Any]:
        """Run it; the rows. Raises KeyError for a missing value, and what asyncpg raises."""
        text, values = self.statement(given)
        rows = await (on or connection_of(self._query.table._meta.db)).fetch(text, *values)
        return await self._query._process_results(rows)

    async def count(self, on: Any = None, /, **given: Any) -> int:
        """Run it; how many rows it inserted, changed or removed. Otherwise as a call."""
        text, values = self.statement(given)
        said = await (on or connection_of(self._query.table._meta.db)).execute(text, *values)
        return int(said.rpartition(" ")[2])  # "INSERT 0 7"

    @property
    def table(self) -> type[Table]:
        """What the query reads or changes."""
        return self._query.table

    def statement(self, given: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Its text, and the values for it: to make it a part of another statement. Raises KeyError
        for a missing value."""
        schema = self.table._meta.schema
        if (compiled := self._compiled.get(schema)) is None:
            compiled = self._compiled[schema] = self._compile()
        text, arguments = compiled
        return text, [a.of(given[a.name]) if isinstance(a, Given) else a for a in arguments]

    def _compile(self) -> tuple[str, list[Any]]:
        (querystring,) = self._query.querystrings
        text, arguments = querystring.compile_string()
        if self._limit is None:
            return text, arguments
        return f"{text} LIMIT ${len(arguments) + 1}", [*arguments, self._limit]


def connection_of(engine: PostgresEngine) -> Any:
    """The open transaction's connection, or the pool, which has the same methods. Raises
    DatabaseAway when there is neither."""
    transaction = engine.current_transaction.get()
    if transaction is not None:
        return transaction.connection
    if engine.pool is None:
        raise DatabaseAway("PostgreSQL has not been reached yet")
    return engine.pool
