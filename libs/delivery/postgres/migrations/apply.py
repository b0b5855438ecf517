"""Migrations at start: one process of many applies them, all of them or none, the others wait.

Piccolo looks for its project (engine and apps) in a module found by name, runs each migration in a
transaction, and notes afterwards, in another one, that it ran: a process killed in between could
never migrate again. Here an app's migrations and their notes are one transaction.
"""

import asyncio
import contextlib
import io
import logging
import ssl
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

import asyncpg
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppRegistry
from piccolo.table import Table

from delivery.postgres.engine import Engine
from delivery.postgres.errors import DatabaseBusy, is_database_away
from delivery.postgres.migrations.schema import prepare_schema

logger = logging.getLogger(__name__)

LOCK = 0x6D696772_617465  # "migrate": one lock per database
_APPLIED = "SELECT app_name, name FROM"
_PROJECT = "piccolo_conf"  # where Piccolo looks when PICCOLO_CONF is not set


class MigrationError(RuntimeError):
    """A migration did not succeed; the database is as it was before."""


def bind_tables(engine: Engine, apps: Sequence[str]) -> AppRegistry:
    """Make this engine the one that the tables of the apps use, and its schema the one that they
    are in; the apps' registry.

    `apps` are modules with an APP_CONFIG, such as "delivery.sending.outbox_app.piccolo_app".
    """
    registry = AppRegistry(apps=list(apps))
    project = ModuleType(_PROJECT)
    vars(project).update(DB=engine, APP_REGISTRY=registry)
    sys.modules[_PROJECT] = project
    tables: list[type[Table]] = [Migration]
    for config in registry.app_configs.values():
        tables += config.table_classes
    for table in tables:
        table._meta.db = engine
        table._meta.schema = engine.schema
    return registry


async def migrate(engine: Engine, apps: Sequence[str], *, wait: float = 30.0) -> None:
    """Apply what has not been applied, in the order of `apps`, and bind the tables to the engine.

    Safe to call from any number of processes at once: an advisory lock admits one, the others wait
    for it and find nothing left to do. In one process, one call at a time: meanwhile the tables
    belong to it. Waits up to `wait` seconds for PostgreSQL to come up, but
    not for a certificate to become right.
    Raises MigrationError, or DatabaseAway when the database stays away.
    """
    deadline = asyncio.get_running_loop().time() + wait
    said = None
    while True:
        try:
            return await _migrate(engine, apps)
        except Exception as error:
            passes = is_database_away(error) or isinstance(error, DatabaseBusy)
            hopeless = not passes or isinstance(error.__cause__, ssl.SSLError)
            if hopeless or asyncio.get_running_loop().time() > deadline:
                raise
            if str(error) != said:
                said = str(error)
                logger.warning("migrations wait for PostgreSQL: %s", said)
            await asyncio.sleep(0.5)


async def pending(engine: Engine, apps: Sequence[str]) -> list[str]:
    """What `migrate` would apply, as "app migration"; binds the tables to the engine as it does.

    Raises DatabaseAway.
    """
    registry = bind_tables(engine, apps)
    connection = await engine.connect()
    try:
        found = await connection.fetch(f"{_APPLIED} {Migration._meta.get_formatted_tablename()}")
        applied = {tuple(row) for row in found}
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        applied = set()
    finally:
        connection.terminate()
    known: list[tuple[str, str]] = []
    for config in registry.app_configs.values():
        with _import_path_kept():
            finder = ForwardsMigrationManager(config.app_name)
            modules = finder.get_migration_modules(config.resolved_migrations_folder_path)
        known += [(config.app_name, name) for name in sorted(modules)]
    return [" ".join(migration) for migration in known if migration not in applied]


async def _migrate(engine: Engine, apps: Sequence[str]) -> None:
    # Statements of a migration are no spans: hundreds of traces with no request to belong to.
    address = engine.direct_url or engine.url
    private = Engine(address, asyncpg.Connection, schema=engine.schema)
    try:
        registry = bind_tables(private, apps)
        for config in registry.app_configs.values():
            manager = ForwardsMigrationManager(config.app_name)
            talk = io.StringIO()  # Piccolo prints its progress
            async with private.transaction() as transaction:
                # Until the end of the transaction, and not of a session: see `connecting`.
                await transaction.connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
                await prepare_schema(transaction.connection, engine.schema, config)
                with contextlib.redirect_stdout(talk), _import_path_kept():
                    before = set(await Migration.get_migrations_which_ran(config.app_name))
                    result = await manager.run_migrations(config)
                if not result.success:
                    raise MigrationError(f"{config.app_name}: {result.message}")
                after = await Migration.get_migrations_which_ran(config.app_name)
            for name in after:
                if name not in before:
                    logger.info("applied migration %s of %s", name, config.app_name)
    finally:
        bind_tables(engine, apps)


@contextlib.contextmanager
def _import_path_kept() -> Iterator[None]:
    """Undo Piccolo's additions to the import path (a migrations folder each)."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before
