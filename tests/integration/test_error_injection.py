"""Error injection over a real PostgreSQL: its tables and routes, and how fast a change is known."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from piccolo.conf.apps import AppConfig

from contracts.problems import Problems, documented
from delivery.postgres import (
    Engine,
    close_pool,
    create_engine,
    migrate,
    open_pool,
    unavailable,
)
from error_injection import (
    HEADER,
    Rules,
    RuleStore,
    RuleTable,
    error_injection_routes,
    injection_middleware,
)
from error_injection.tables import TABLE

TOKEN = "kettle"
RULE = {"endpoint_pattern": "/books/{id}", "http_method": "GET", "error_rate": 1.0}


class OfBookapp(RuleTable, tablename=TABLE):
    pass


class OfBackend(RuleTable, tablename=TABLE):
    pass


TABLES: dict[str, type[RuleTable]] = {"injected_bookapp": OfBookapp, "injected_backend": OfBackend}

STEPS = ("create", "constrain")
MIGRATION = """
from error_injection import {step}_rules_table
from {app} import TABLE_CLASS

ID = "2026-11-23T06:00:00:00000{number}"

async def forwards():
    return {step}_rules_table(ID, "{app}", TABLE_CLASS)
"""


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[list[str]]:
    """Two services' Piccolo apps, each with its migration file, as a service has them."""
    for name, table in TABLES.items():
        folder = tmp_path / name
        folder.mkdir()
        for number, step in enumerate(STEPS):
            text = MIGRATION.format(app=name, step=step, number=number)
            (folder / f"{name}_{step}.py").write_text(text)
        module = ModuleType(name)
        vars(module).update(
            TABLE_CLASS=table,
            APP_CONFIG=AppConfig(
                app_name=name, migrations_folder_path=str(folder), table_classes=[table]
            ),
        )
        sys.modules[name] = module
    yield list(TABLES)
    for name in TABLES:
        sys.modules.pop(name)
        for step in STEPS:
            sys.modules.pop(f"{name}_{step}", None)


@pytest.fixture
async def engine(postgres_url: str, apps: list[str]) -> AsyncIterator[Engine]:
    engine = create_engine(postgres_url)
    await migrate(engine, apps[:1])
    await migrate(create_engine(postgres_url, schema="backend"), apps[1:])
    OfBackend._meta.db = engine
    await open_pool(engine)
    yield engine
    await close_pool(engine)


def service(rules: Rules, table: type[RuleTable], topics: frozenset[str] = frozenset()) -> Litestar:
    @get("/books/{book_id:int}")
    async def get_book(book_id: FromPath[int]) -> int:
        return book_id

    routes = error_injection_routes(
        RuleStore(table), admin_token=TOKEN, documented=documented, topics=topics
    )
    return Litestar(
        [get_book, routes],
        middleware=[injection_middleware(rules)],
        plugins=[Problems(unavailable)],
        logging_config=None,
    )


def client_of(app: Litestar, token: str | None = TOKEN) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers=headers
    )


@pytest.fixture
async def rules(engine: Engine) -> AsyncIterator[Rules]:
    rules = Rules(OfBookapp, engine.connect)
    rules.start()
    yield rules
    await rules.stop()


@pytest.fixture
async def client(rules: Rules) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service(rules, OfBookapp)) as client:
        yield client


async def until(condition: Any, seconds: float) -> float:
    """Seconds until the condition held; fails after ``seconds``."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come true in time"
        await asyncio.sleep(0.005)
    return time.monotonic() - started


async def test_a_rule_from_its_creation_to_its_end(client: httpx.AsyncClient) -> None:
    made = await client.post("/error-injection", json=RULE)
    assert made.status_code == 201
    rule = made.json()
    assert rule == {
        **RULE,
        "id": rule["id"],
        "topic": None,
        "error_code": 500,
        "error_message": "Injected error",
        "enabled": True,
        "delay_ms": 0,
        "fatal": True,
    }
    path = f"/error-injection/{rule['id']}"
    assert (await client.get("/error-injection")).json() == [rule]
    assert (await client.get(path)).json() == rule
    changed = await client.put(path, json={**RULE, "error_rate": 0.25, "error_message": "tea"})
    assert changed.status_code == 200
    assert changed.json() == {**rule, "error_rate": 0.25, "error_message": "tea"}
    assert (await client.get(path)).json() == changed.json()
    gone = await client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (
        await client.get(path),
        await client.put(path, json=RULE),
        await client.delete(path),
    ):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("rule_id", [0, -1, 2**63, 10**30])
async def test_an_id_that_cannot_be_is_not_found(client: httpx.AsyncClient, rule_id: int) -> None:
    assert (await client.get(f"/error-injection/{rule_id}")).status_code == 404
    assert (await client.delete(f"/error-injection/{rule_id}")).status_code == 404
    assert (await client.put(f"/error-injection/{rule_id}", json=RULE)).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("error_rate", 1.01),
        ("error_rate", -0.1),
        ("error_rate", "often"),
        ("error_rate", None),
        ("error_code", 399),
        ("error_code", 600),
        ("error_code", 2**70),
        ("http_method", "BREW"),
        ("http_method", None),
        ("endpoint_pattern", "books"),
        ("endpoint_pattern", "/books/{id"),
        ("endpoint_pattern", "/books/"),
        ("endpoint_pattern", "/books\n"),
        ("endpoint_pattern", "/health"),
        ("endpoint_pattern", "/" + "x" * 200),
        ("endpoint_pattern", None),
        ("error_message", "\x00"),
        ("error_message", "x" * 1001),
        ("delay_ms", -1),
        ("delay_ms", 60_001),
        ("enabled", "yes"),
        ("topic", "book_ingestion"),
        ("colour", "red"),
    ],
)
async def test_a_wrong_field_is_a_400_that_names_it(
    client: httpx.AsyncClient, field: str, value: Any
) -> None:
    answer = await client.post("/error-injection", json={**RULE, field: value})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in answer.json()["detail"]
    assert (await client.get("/error-injection")).json() == []


async def test_a_missing_rate_and_a_broken_body_are_400(client: httpx.AsyncClient) -> None:
    missing = await client.post(
        "/error-injection", json={"endpoint_pattern": "/books", "http_method": "GET"}
    )
    assert missing.status_code == 400
    assert "error_rate" in missing.json()["detail"]
    for broken in (b"", b"{", b"[]", b"\xff"):
        assert (await client.post("/error-injection", content=broken)).status_code == 400


async def test_a_second_rule_for_the_same_endpoint_is_a_409(client: httpx.AsyncClient) -> None:
    assert (await client.post("/error-injection", json=RULE)).status_code == 201
    renamed = {**RULE, "endpoint_pattern": "/books/{book_id}"}
    for twin in (RULE, renamed):
        assert (await client.post("/error-injection", json=twin)).status_code == 409
    other = await client.post("/error-injection", json={**RULE, "http_method": "PATCH"})
    assert other.status_code == 201
    onto = await client.put(f"/error-injection/{other.json()['id']}", json=RULE)
    assert onto.status_code == 409


@pytest.mark.parametrize("token", [None, "", "kettl", "kettles", "Kettle", "ké"])
async def test_without_the_token_nothing_is_shown_or_done(rules: Rules, token: str | None) -> None:
    headers = {} if token is None else {b"authorization": f"Bearer {token}".encode()}
    async with client_of(service(rules, OfBookapp), None) as client:
        for method, path in (
            ("GET", "/error-injection"),
            ("POST", "/error-injection"),
            ("PUT", "/error-injection/1"),
            ("GET", "/error-injection/1"),
            ("DELETE", "/error-injection/1"),
        ):
            answer = await client.request(method, path, json=RULE, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await client.get("/books/1")).status_code == 200


async def test_the_document_has_the_routes_with_their_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    operations = {
        operation["operationId"]: sorted(operation["responses"])
        for path, item in document["paths"].items()
        if path.startswith("/error-injection")
        for operation in item.values()
    }
    assert operations == {  # those of every route are the application's affair
        "list_error_injection_rules": ["200", "401"],
        "get_error_injection_rule": ["200", "400", "401", "404"],
        "create_error_injection_rule": ["201", "400", "401", "409"],
        "replace_error_injection_rule": ["200", "400", "401", "404", "409"],
        "delete_error_injection_rule": ["204", "400", "401", "404"],
    }


async def test_a_change_is_known_in_every_process_within_a_second(
    engine: Engine, client: httpx.AsyncClient, rules: Rules
) -> None:
    other = Rules(OfBookapp, engine.connect)
    other.start()
    held = [rules, other]
    made = (await client.post("/error-injection", json=RULE)).json()
    path = f"/error-injection/{made['id']}"
    assert await until(lambda: all(r.endpoint("/books/{x}", "GET") for r in held), 1) < 1
    answer = await client.get("/books/1")
    assert (answer.status_code, answer.headers[HEADER]) == (500, str(made["id"]))

    await client.put(path, json={**RULE, "enabled": False})
    await until(lambda: not any(r.active for r in held), 1)
    assert (await client.get("/books/1")).status_code == 200

    await client.put(path, json=RULE)
    await until(lambda: all(r.active for r in held), 1)
    await client.delete(path)
    await until(lambda: not any(r.active for r in held), 1)
    await other.stop()


async def test_what_was_written_with_sql_counts_as_well(engine: Engine, rules: Rules) -> None:
    connection = await engine.connect()
    await connection.execute(
        "INSERT INTO error_injection_config (endpoint_pattern, http_method, error_rate, error_code,"
        " error_message, enabled, delay_ms, fatal)"
        " VALUES ('/books/{id}', 'GET', 1, 500, '', true, 0, true)"
    )
    await until(lambda: rules.active, 1)
    await connection.execute("TRUNCATE error_injection_config")
    await until(lambda: not rules.active, 1)
    await connection.close()


async def test_rules_are_read_again_after_the_connection_was_lost(
    engine: Engine, client: httpx.AsyncClient, rules: Rules
) -> None:
    assert (await client.post("/error-injection", json=RULE)).status_code == 201
    await until(lambda: rules.active, 1)
    admin = await engine.connect()
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%config%'"
    )
    # While nobody listens.
    await admin.execute("UPDATE error_injection_config SET error_code = 418")
    assert rules.active  # the last known rules hold meanwhile

    def fresh() -> bool:
        rule = rules.endpoint("/books/{id}", "GET")
        return rule is not None and rule.error_code == 418

    await until(fresh, 3)
    # And it listens again.
    await admin.execute("DELETE FROM error_injection_config")
    await until(lambda: not rules.active, 1)
    await admin.close()


async def test_a_start_before_the_database_is_there_ends_well(engine: Engine) -> None:
    away = True

    async def connect() -> asyncpg.Connection:
        if away:
            raise ConnectionRefusedError
        return await engine.connect()

    await OfBookapp.insert(OfBookapp(endpoint_pattern="/books", http_method="GET", error_rate=1.0))
    rules = Rules(OfBookapp, connect)
    rules.start()
    await asyncio.sleep(0)
    assert not rules.active
    away = False
    await until(lambda: rules.active, 3)
    await rules.stop()


async def test_a_lost_database_is_looked_for_without_haste(engine: Engine) -> None:
    connections: list[asyncpg.Connection] = []
    attempts = 0

    async def connect() -> asyncpg.Connection:
        nonlocal attempts
        attempts += 1
        if attempts > 1:
            raise ConnectionRefusedError
        connections.append(await engine.connect())
        return connections[0]

    rules = Rules(OfBookapp, connect)
    rules.start()
    await until(lambda: connections, 3)
    connections[0].terminate()
    started = time.monotonic()
    await until(lambda: attempts >= 3, 5)
    assert time.monotonic() - started > 0.4
    assert attempts < 10
    await rules.stop()


async def test_a_lost_announcement_is_made_up_for(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("error_injection.rules.POLL", 0.1)
    rules = Rules(OfBookapp, engine.connect)
    rules.start()
    connection = await engine.connect()
    await connection.execute(
        "ALTER TABLE error_injection_config DISABLE TRIGGER error_injection_changed"
    )
    await OfBookapp.insert(OfBookapp(endpoint_pattern="/books", http_method="GET", error_rate=1.0))
    await until(lambda: rules.active, 3)
    await rules.stop()
    await connection.close()


async def test_each_service_has_its_own_rules(engine: Engine, client: httpx.AsyncClient) -> None:
    theirs = Rules(OfBackend, engine.connect)
    theirs.start()
    app = service(theirs, OfBackend, frozenset({"book_ingestion"}))
    async with client_of(app) as backend:
        body = {"topic": "book_ingestion", "error_rate": 0.5, "fatal": False}
        made = await backend.post("/error-injection", json=body)
        assert made.status_code == 201
        assert made.json()["topic"] == "book_ingestion"
        assert (await backend.post("/error-injection", json=body)).status_code == 409
        unknown = await backend.post("/error-injection", json={**body, "topic": "unknown"})
        assert unknown.status_code == 400
        assert "topic" in unknown.json()["detail"]
        assert (await client.get("/error-injection")).json() == []
        await until(lambda: theirs.topic("book_ingestion") is not None, 1)
    await theirs.stop()


@pytest.mark.parametrize(
    "values",
    [
        "('books', 'GET', NULL, 1, 500, 0)",
        "('/b', 'BREW', NULL, 1, 500, 0)",
        "('/b', NULL, NULL, 1, 500, 0)",
        "(NULL, NULL, NULL, 1, 500, 0)",
        "('/b', 'GET', 'topic', 1, 500, 0)",
        "('/b', 'GET', NULL, 2, 500, 0)",
        "('/b', 'GET', NULL, 'NaN', 500, 0)",
        "('/b', 'GET', NULL, 1, 999, 0)",
        "('/b', 'GET', NULL, 1, 500, -1)",
    ],
)
async def test_the_table_refuses_what_the_routes_refuse(engine: Engine, values: str) -> None:
    connection = await engine.connect()
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            "INSERT INTO error_injection_config"
            " (endpoint_pattern, http_method, topic, error_rate, error_code, delay_ms)"
            f" VALUES {values}"
        )
    await connection.close()


async def test_the_migration_makes_what_the_table_class_declares(
    engine: Engine, apps: list[str]
) -> None:
    """Piccolo's automatic comparison has nothing to add."""
    from piccolo.apps.migrations.auto.diffable_table import DiffableTable
    from piccolo.apps.migrations.auto.schema_differ import SchemaDiffer
    from piccolo.apps.migrations.auto.schema_snapshot import SchemaSnapshot

    for name, table in TABLES.items():
        manager = await sys.modules[f"{name}_create"].forwards()
        declared = DiffableTable(
            class_name=table.__name__,
            tablename=table._meta.tablename,
            columns=table._meta.non_default_columns,
            schema=None,  # as in the migrations, which run in the service's
        )
        snapshot = SchemaSnapshot(managers=[manager]).get_snapshot()
        differ = SchemaDiffer(schema=[declared], schema_snapshot=snapshot, auto_input="y")
        assert not [change for change in differ.get_alter_statements() if change.statements]
