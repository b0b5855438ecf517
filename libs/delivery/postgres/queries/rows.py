"""Piccolo's INSERT for many rows at a time.

``Table.insert(*rows)`` makes an object and a text of each row and a parameter of each value, of
which PostgreSQL takes 32,767 at most. Here each column is one array, and the statement has the same
text for one row and for ten thousand:

    rows = [("Emma", "Jane Austen"), ("Dune", "Frank Herbert")]
    await InsertRows(Book, [Book.title, Book.author], rows).returning(Book.id)

All else is Piccolo's: ``on_conflict``, ``returning``, transactions.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from piccolo.columns import Array, Column
from piccolo.query.methods.insert import Insert
from piccolo.querystring import QueryString
from piccolo.table import Table


class InsertRows(Insert[Any]):
    """``rows`` hold values of these columns, in this order; the other columns get the defaults that
    the database has for them. Rows are inserted in the order in which they are given."""

    __slots__ = ("_columns", "_rows")

    def __init__(
        self, table: type[Table], columns: Sequence[Column], rows: Iterable[Sequence[Any]]
    ) -> None:
        super().__init__(table)
        assert not any(isinstance(column, Array) for column in columns), "unnest flattens arrays"
        self._columns = columns
        self._rows = list(rows)

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
                *(list(values) for values in self._values()),
                query_type="insert",
                table=self.table,
            )
        ]
        if self.on_conflict_delegate._on_conflict.on_conflict_items:
            parts.append(self.on_conflict_delegate._on_conflict.querystring)
        if self.returning_delegate._returning:
            parts.append(self.returning_delegate._returning.querystring)
        return [QueryString("{}" * len(parts), *parts, query_type="insert", table=self.table)]

    def _values(self) -> Iterable[Sequence[Any]]:
        return zip(*self._rows, strict=True) if self._rows else [()] * len(self._columns)

    def _raw_response_callback(self, results: list[Any]) -> None:
        """Piccolo's tells the rows' objects their ids; here there are none."""
