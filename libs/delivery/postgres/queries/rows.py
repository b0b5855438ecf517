"""Piccolo's INSERT for many rows at a time.

``Table.insert(*rows)`` makes an object and a text of each row and a parameter of each value, of
which PostgreSQL takes 32,767 at most. Here each column is one array, and the statement has the same
text for one row and for ten thousand:

    rows = [("Emma", "Jane Austen"), ("Dune", "Frank Herbert")]
    await InsertRows(Book, [Book.title, Book.author], rows).returning(Book.id)

All else is Piccolo's: ``on_conflict``, ``returning``, transactions. Where rows come often, the
query is prepared without them:

    add = Prepared(InsertRows(Book, [Book.title, Book.author], Given("rows")))
    await add.count(rows=rows)
"""

from collections.abc import Iterable, Sequence
from typing import Any

from piccolo.columns import Array, Column
from piccolo.query.methods.insert import Insert
from piccolo.querystring import QueryString
from piccolo.table import Table

from delivery.postgres.queries.prepared import Given


class InsertRows(Insert[Any]):
    """``rows`` hold values of these columns, in this order; the other columns get the defaults that
    the database has for them. Rows are inserted in the order in which they are given."""

    __slots__ = ("_arrays", "_columns")

    def __init__(
        self,
        table: type[Table],
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]] | Given,
    ) -> None:
        super().__init__(table)
        assert not any(isinstance(column, Array) for column in columns), "unnest flattens arrays"
        self._columns = columns
        self._arrays = _arrays(rows, len(columns))

    @property
    def default_querystrings(self) -> Sequence[QueryString]:
        """The statement; Piccolo's own parts around another source of values."""
        names = ", ".join(f'"{column._meta.db_column_name}"' for column in self._columns)
        arrays = ", ".join(f"{{}}::{column.column_type}[]" for column in self._columns)
        parts = [
            QueryString(
                f"INSERT INTO {self.table._meta.get_formatted_tablename()} ({names})"  # noqa: S608 - the table's own names
                f" SELECT {names} FROM unnest({arrays})"
                f" WITH ORDINALITY AS given ({names}, place) ORDER BY place",
                *self._arrays,
                query_type="insert",
                table=self.table,
            )
        ]
        if self.on_conflict_delegate._on_conflict.on_conflict_items:
            parts.append(self.on_conflict_delegate._on_conflict.querystring)
        if self.returning_delegate._returning:
            parts.append(self.returning_delegate._returning.querystring)
        return [QueryString("{}" * len(parts), *parts, query_type="insert", table=self.table)]

    def _raw_response_callback(self, results: list[Any]) -> None:
        """Piccolo's tells the rows' objects their ids; here there are none."""


class GivenColumn(Given):
    """In a prepared query, the place of one column of rows that each run gives."""

    __slots__ = ("_index",)

    def __init__(self, name: str, index: int) -> None:
        super().__init__(name)
        self._index = index

    def of(self, given: Any) -> list[Any]:
        """Its values."""
        index = self._index
        return [row[index] for row in given]


def excluded(column: Column) -> QueryString:
    """In ``on_conflict(..., where=)``, the value that the row would have which is in conflict with
    one that is there: ``where=Book.sequence < excluded(Book.sequence)``."""
    return QueryString(f'EXCLUDED."{column._meta.db_column_name}"')


def _arrays(rows: Iterable[Sequence[Any]] | Given, width: int) -> list[Any]:
    if isinstance(rows, Given):
        return [GivenColumn(rows.name, index) for index in range(width)]
    columns = [list(values) for values in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
