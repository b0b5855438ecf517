"""Any number of processes migrate one database at once; what fails leaves nothing."""

import asyncio
import sys
import textwrap
from pathlib import Path

import asyncpg
import pytest
from piccolo.apps.migrations.commands.new import AutoMigrationManager

from delivery.postgres import create_engine, migrate
from delivery.postgres.migrations import bind_tables

OUTBOX_APP = "delivery.sending.outbox_app.piccolo_app"

MIGRATE = f"""
import asyncio, logging, sys
from delivery.postgres import create_engine, migrate
logging.basicConfig(level=logging.INFO)
asyncio.run(migrate(create_engine(sys.argv[1]), ["{OUTBOX_APP}"]))
"""


async def test_of_many_processes_one_migrates_and_all_succeed(
    postgres_url: str, sql: asyncpg.Connection
) -> None:
    async def process() -> tuple[int | None, str]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, postgres_url, stderr=asyncio.subprocess.PIPE
        )
        _, said = await child.communicate()
        return child.returncode, said.decode()

    results = await asyncio.gather(*(process() for _ in range(3)))
    assert [code for code, _ in results] == [0, 0, 0], results
    assert sum("applied migration" in said for _, said in results) == 1
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_second_run_changes_nothing(postgres_url: str, sql: asyncpg.Connection) -> None:
    for _ in range(2):
        await migrate(create_engine(postgres_url), [OUTBOX_APP])
    assert await sql.fetchval("SELECT count(*) FROM migration") == 2


async def test_a_migration_that_fails_leaves_nothing_of_its_app(
    postgres_url: str,
    sql: asyncpg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_app(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(asyncpg.UndefinedTableError):
        await migrate(create_engine(postgres_url), ["failing_app"])
    assert await sql.fetchval("SELECT to_regclass('made_first')") is None
    assert await sql.fetchval("SELECT to_regclass('migration')") is None


def write_app(place: Path) -> None:
    (place / "failing_migrations").mkdir()
    (place / "failing_app.py").write_text(
        textwrap.dedent(f"""
        from piccolo.conf.apps import AppConfig
        APP_CONFIG = AppConfig("failing", {str(place / "failing_migrations")!r})
        """)
    )
    for number, statement in enumerate(["CREATE TABLE made_first ()", "SELECT FROM missing"]):
        (place / "failing_migrations" / f"failing_{number}.py").write_text(
            textwrap.dedent(f"""
            from piccolo.apps.migrations.auto.migration_manager import MigrationManager
            from piccolo.engine import engine_finder

            ID = "2026-01-0{number + 1}"

            async def forwards():
                manager = MigrationManager(ID, "failing")
                async def run():
                    await engine_finder().run_ddl({statement!r})
                manager.add_raw(run)
                return manager
            """)
        )


async def test_migrations_wait_for_the_server(postgres_server, postgres_url: str) -> None:
    postgres_server.stop()
    try:
        migrating = asyncio.create_task(migrate(create_engine(postgres_url), [OUTBOX_APP]))
        done, _ = await asyncio.wait({migrating}, timeout=0.3)
        assert not done
    finally:
        postgres_server.start()
    await asyncio.wait_for(migrating, 10)


async def test_tables_and_migrations_agree(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    await migrate(engine, [OUTBOX_APP])
    app = bind_tables(engine, [OUTBOX_APP]).get_app_config("outbox")
    for table in app.table_classes:
        table._meta.schema = None  # as in the migrations, which run in the service's
    changes = await AutoMigrationManager(auto_input="y").get_alter_statements(app)
    assert not any(change.statements for change in changes)
