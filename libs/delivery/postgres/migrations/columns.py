"""A migration's tables and columns, said as briefly as the tables' classes say them.

Piccolo writes each column out with a dozen parameters, almost all of them its defaults. No schema
is named: a migration runs in its app's (see ``schema``). Migrations that were released
call this: what it makes of its arguments must not change.
"""

from collections.abc import Callable
from typing import Any, Final

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import Column
from piccolo.columns.indexes import IndexMethod

_PLAIN: Final = {
    "null": False,
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}


def add_table(manager: MigrationManager, class_name: str, tablename: str) -> Callable[..., None]:
    """Add a table to the migration, and return what adds a column to it.

    That one is called with the column's name, its class, and what differs from a plain column
    without a default: ``column("id", BigSerial, primary_key=True)``.
    """
    manager.add_table(class_name, tablename=tablename)
    return add_column(manager, class_name, tablename)


def add_column(manager: MigrationManager, class_name: str, tablename: str) -> Callable[..., None]:
    """What adds a column to a table that is there, as ``add_table`` returns it."""

    def column(name: str, kind: type[Column], **params: Any) -> None:
        manager.add_column(
            table_class_name=class_name,
            tablename=tablename,
            column_name=name,
            db_column_name=name,
            column_class_name=kind.__name__,
            column_class=kind,
            params={**_PLAIN, **params},
        )

    return column
