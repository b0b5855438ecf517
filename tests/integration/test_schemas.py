"""Where the tables are: both services on one database, whoever the user is and whatever his search
path says; and databases that earlier migrations made."""

from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

import backend.database
import bookapp.database
from backend.ingestion.tables import Book as ReadModel
from bookapp.books.tables import Book
from delivery.postgres import Engine, UnfitDatabase, create_engine, migrate, pending
from delivery.postgres.migrations import bind_tables
from embedded.postgres import Postgres

RELEASED = (Path(__file__).parent / "released_tables.sql").read_text()
TABLES = {
    "bookapp": {"books", "idempotency_keys", "outbox", "relay_lease", "error_injection_config"},
    "backend": {"book", "ignored_change", "dead_letter", "error_injection_config"},
}


async def migrate_both(
    url: str, bookapp_schema: str = "public", backend_schema: str = "backend"
) -> tuple[Engine, Engine]:
    """Both services' migrations, at the same time, as two processes' would be run."""
    engines = create_engine(url, schema=bookapp_schema), create_engine(url, schema=backend_schema)
    await migrate(engines[0], bookapp.database.APPS)
    await migrate(engines[1], backend.database.APPS)
    assert await pending(engines[0], bookapp.database.APPS) == []
    assert await pending(engines[1], backend.database.APPS) == []
    return engines


async def tables(url: str) -> dict[str, set[str]]:
    """The tables of each schema."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    await connection.close()
    found: dict[str, set[str]] = {}
    for schema, table in rows:
        found.setdefault(schema, set()).add(table)
    return found


def as_role(server: Postgres, url: str, role: str, *settings: str) -> str:
    """The database's URL for a superuser of this name."""
    server.execute(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'x'")
    for setting in settings:
        server.execute(f"ALTER ROLE {role} SET {setting}")
    parts = urlsplit(url)
    return url.replace(f"{parts.username}:{parts.password}@", f"{role}:x@")


@pytest.mark.parametrize(
    ("role", "settings"),
    [
        ("backend", ()),  # "$user" is first in the search path
        ("bookapp", ()),
        ("books", ()),
        ("walker", ("search_path = elsewhere, backend, public",)),
        ("nowhere", ("search_path = ''",)),
    ],
)
async def test_neither_the_users_name_nor_his_search_path_decides(
    postgres_server: Postgres, postgres_url: str, role: str, settings: tuple[str, ...]
) -> None:
    url = as_role(postgres_server, postgres_url, role, *settings)
    postgres_server.execute("CREATE SCHEMA elsewhere", urlsplit(url).path[1:])
    await migrate_both(url)
    await migrate_both(url)  # and again: nothing
    assert await tables(url) == {
        "public": TABLES["bookapp"] | {"migration"},
        "backend": TABLES["backend"] | {"migration"},
    }


async def test_the_schemas_are_settings(postgres_url: str) -> None:
    await migrate_both(postgres_url, "user", "order")  # words of SQL's, to be quoted
    assert await tables(postgres_url) == {
        "user": TABLES["bookapp"] | {"migration"},
        "order": TABLES["backend"] | {"migration"},
    }


async def test_a_released_database_goes_on_with_its_rows(
    postgres_server: Postgres, postgres_url: str
) -> None:
    name = urlsplit(postgres_url).path[1:]
    postgres_server.execute(RELEASED, name)
    await migrate_both(postgres_url)
    assert await tables(postgres_url) == {
        "public": TABLES["bookapp"] | {"migration"},
        "backend": TABLES["backend"] | {"migration"},
    }
    count = "SELECT count(*) FROM"
    assert postgres_server.execute(f"{count} public.books", name) == "2"
    assert postgres_server.execute(f"{count} public.outbox", name) == "2"
    assert postgres_server.execute(f"{count} backend.book", name) == "1"


async def test_tables_that_a_search_path_put_elsewhere_are_not_made_anew(
    postgres_server: Postgres, postgres_url: str
) -> None:
    """The first migrations went where the role's search path led."""
    name = urlsplit(postgres_url).path[1:]
    postgres_server.execute("CREATE SCHEMA shop;" + RELEASED.replace("public.", "shop."), name)
    url = as_role(postgres_server, postgres_url, "shopper", "search_path = shop")
    engine = create_engine(url)
    with pytest.raises(UnfitDatabase, match="are in the schema shop, and not in public"):
        await migrate(engine, bookapp.database.APPS)
    await migrate_both(url, bookapp_schema="shop")
    found = await tables(url)
    assert found["shop"] == TABLES["bookapp"] | {"migration"}
    assert found["backend"] == TABLES["backend"] | {"migration"}


async def test_each_services_rules_are_its_own_in_one_database(postgres_url: str) -> None:
    first, second = await migrate_both(postgres_url)
    names = []
    for engine, apps, table in (
        (first, bookapp.database.APPS, Book),
        (second, backend.database.APPS, ReadModel),
    ):
        bind_tables(engine, apps)
        names.append(table._meta.get_formatted_tablename())
    assert names == ['"public"."books"', '"backend"."book"']
