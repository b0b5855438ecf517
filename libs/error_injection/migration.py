"""The migrations that create a service's table of rules. Two, since Piccolo runs what is raw before
what it makes itself; in two migration files of the service:

    async def forwards() -> MigrationManager:
        return create_rules_table(ID, "bookapp", ErrorInjectionConfig)

    async def forwards() -> MigrationManager:
        return constrain_rules_table(ID, "bookapp", ErrorInjectionConfig)

A trigger announces every change, also one made with psql, to the processes that hold the rules.
"""

from typing import Any, Final

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigSerial, Boolean, DoublePrecision, Integer, Text
from piccolo.columns.base import Column
from piccolo.columns.indexes import IndexMethod

from error_injection.tables import RuleTable

CHANNEL: Final = "error_injection_config"
"""Where changes are announced; the payload is the table's schema."""

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
# Two templates that differ only in a parameter's name are the same endpoint. Braces are doubled
# for Piccolo, which formats its raw statements.
_STATEMENTS: Final = (
    """
    ALTER TABLE {table}
    ADD CONSTRAINT error_injection_target CHECK (
        (topic IS NULL AND endpoint_pattern IS NOT NULL AND http_method IS NOT NULL)
        OR (topic IS NOT NULL AND endpoint_pattern IS NULL AND http_method IS NULL)),
    ADD CONSTRAINT error_injection_pattern CHECK (endpoint_pattern LIKE '/%'),
    ADD CONSTRAINT error_injection_method CHECK (
        http_method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')),
    ADD CONSTRAINT error_injection_rate CHECK (error_rate BETWEEN 0 AND 1),
    ADD CONSTRAINT error_injection_code CHECK (error_code BETWEEN 400 AND 599),
    ADD CONSTRAINT error_injection_message CHECK (char_length(error_message) <= 1000),
    ADD CONSTRAINT error_injection_delay CHECK (delay_ms BETWEEN 0 AND 60000)
    """,
    r"""
    CREATE UNIQUE INDEX error_injection_endpoint ON {table}
    (regexp_replace(endpoint_pattern, '\{{[^}}]*\}}', '{{}}', 'g'), http_method)
    """,
    "CREATE UNIQUE INDEX error_injection_topic ON {table} (topic)",
    """
    CREATE FUNCTION {schema}.error_injection_changed() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_notify(''{channel}'', TG_TABLE_SCHEMA); RETURN NULL; END'
    """,
    """
    CREATE TRIGGER error_injection_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.error_injection_changed()
    """,
)


def create_rules_table(
    migration_id: str, app_name: str, table: type[RuleTable]
) -> MigrationManager:
    """The table. No schema is named: the migration runs in the service's."""
    tablename = table._meta.tablename
    manager = MigrationManager(
        migration_id=migration_id, app_name=app_name, description="rules of error injection"
    )

    def column(name: str, kind: type[Column], **params: Any) -> None:
        manager.add_column(
            table_class_name=table.__name__,
            tablename=tablename,
            column_name=name,
            db_column_name=name,
            column_class_name=kind.__name__,
            column_class=kind,
            params={**_PLAIN, **params},
        )

    manager.add_table(table.__name__, tablename=tablename)
    column("id", BigSerial, primary_key=True)
    for name in ("endpoint_pattern", "http_method", "topic"):
        column(name, Text, null=True, default=None)
    column("error_rate", DoublePrecision, default=0.0)
    column("error_code", Integer, default=500)
    column("error_message", Text, default="")
    column("enabled", Boolean, default=True)
    column("delay_ms", Integer, default=0)
    column("fatal", Boolean, default=True)

    return manager


def constrain_rules_table(
    migration_id: str, app_name: str, table: type[RuleTable]
) -> MigrationManager:
    """The checks, the unique pairs and the announcements of a table that exists."""
    manager = MigrationManager(
        migration_id=migration_id, app_name=app_name, description="constraints of error injection"
    )
    words = {
        "{table}": table._meta.get_formatted_tablename(),
        "{schema}": f'"{table._meta.schema or "public"}"',
        "{channel}": CHANNEL,
    }

    async def constrain() -> None:
        for template in _STATEMENTS:
            statement = template
            for word, value in words.items():
                statement = statement.replace(word, value)
            await table.raw(statement)

    manager.add_raw(constrain)
    return manager
