"""The schema that an app's tables are in: made, and taken over from where migrations were noted.

Names in migrations are looked up in that schema and nowhere else: the search path is set for the
transaction, so that neither a role's own path nor a schema that is called like the user decides.

Piccolo notes what ran in a table ``migration``, which was in the first schema of the user's search
path, and is in the app's now. What was noted there is taken over where the app's tables are in its
schema; where they are in another one, the start is refused rather than made anew beside them.
"""

from typing import Any, Final

from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig

from delivery.postgres.errors import UnfitDatabase

_IS_THERE: Final = "SELECT to_regnamespace(quote_ident($1)) IS NOT NULL"
_TABLE: Final = "SELECT to_regclass(format('%I.%I', $1::text, $2::text))"
# As the user sees it, and where most have it.
_EARLIER: Final = """
SELECT DISTINCT oid::regclass::text AS migration FROM (VALUES
    (to_regclass('migration')::oid), (to_regclass('public.migration')::oid)) AS found (oid)
WHERE oid IS NOT NULL
"""
_SCHEMA_OF: Final = """
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(quote_ident($1))
"""


async def prepare_schema(connection: Any, schema: str, app: AppConfig) -> None:
    """In a migration's transaction: the schema is there, names are looked up in it, and its table
    of migrations knows what ran.

    Raises:
        UnfitDatabase: earlier migrations of this app made its tables in another schema.
    """
    if not await connection.fetchval(_IS_THERE, schema):  # or else it would need a right to make it
        await connection.execute(f'CREATE SCHEMA "{schema}"')
    set_path = "SELECT set_config('search_path', quote_ident($1), true)"
    if not await connection.fetchval(_TABLE, schema, Migration._meta.tablename):
        await connection.execute("SET LOCAL search_path TO DEFAULT")
        noted = await _noted_earlier(connection, schema, app)
        await connection.execute(set_path, schema)
        await Migration.create_table()
        if noted:
            await Migration.insert(*noted)
        return
    ran = await Migration.exists().where(Migration.app_name == app.app_name)
    if not ran:
        await connection.execute("SET LOCAL search_path TO DEFAULT")
        if noted := await _noted_earlier(connection, schema, app):
            await Migration.insert(*noted)
    await connection.execute(set_path, schema)


async def _noted_earlier(connection: Any, schema: str, app: AppConfig) -> list[Migration]:
    """What a table of migrations elsewhere says that ran of this app, on its schema's tables."""
    for (migrations,) in await connection.fetch(_EARLIER):
        rows = await connection.fetch(
            f"SELECT name, app_name, ran_on FROM {migrations} WHERE app_name = $1",  # noqa: S608 - PostgreSQL quoted it
            app.app_name,
        )
        if not rows:
            continue
        table = app.table_classes[0]._meta.tablename
        if await connection.fetchval(_TABLE, schema, table):
            return [Migration(**dict(row)) for row in rows]
        if (other := await connection.fetchval(_SCHEMA_OF, table)) is not None:
            raise UnfitDatabase(
                f"the tables of {app.app_name} are in the schema {other}, and not in {schema}:"
                f" set its schema to {other}"
            )
    return []
