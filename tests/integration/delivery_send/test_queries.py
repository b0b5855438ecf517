"""Queries that are prepared, and inserts of many rows: Piccolo's words, on a real PostgreSQL."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from piccolo.columns import Array, BigInt, BigSerial, Text
from piccolo.table import Table

from delivery.postgres import DatabaseAway, Engine, create_engine
from delivery.postgres.queries import Given, InsertRows, Prepared, any_of, excluded


class Thing(Table, tablename="thing"):
    """Any table."""

    id = BigSerial(primary_key=True)
    name = Text(unique=True)
    rank = BigInt(default=1)
    tags = Array(base_column=Text())


NAMES = ["c", "a", "b"]
BY_NAME = Prepared(Thing.select(Thing.id, Thing.name).where(Thing.name == Given("name")))
ADD = InsertRows(Thing, [Thing.name, Thing.rank], Given("rows"))


@pytest.fixture
async def things(engine: Engine, sql: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """An empty table; the connection is the test's own."""
    await sql.execute(
        "CREATE TABLE thing (id bigserial PRIMARY KEY, name text UNIQUE, rank bigint DEFAULT 1,"
        " tags text[] DEFAULT '{}')"
    )
    Thing._meta.db = engine
    yield sql
    Thing._meta.schema = None


async def ranks(sql: asyncpg.Connection) -> dict[str, int]:
    return dict(await sql.fetch("SELECT name, rank FROM thing ORDER BY id"))


async def test_rows_are_inserted_in_their_order_and_have_the_database_s_defaults(
    things: asyncpg.Connection,
) -> None:
    rows = await InsertRows(Thing, [Thing.name], [(name,) for name in NAMES]).returning(Thing.id)
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert await ranks(things) == {"c": 1, "a": 1, "b": 1}
    assert list(await ranks(things)) == NAMES


async def test_no_rows_are_no_error(things: asyncpg.Connection) -> None:
    assert await InsertRows(Thing, [Thing.name], []).returning(Thing.id) == []
    assert await Prepared(ADD).count(rows=[]) == 0


async def test_more_rows_than_a_statement_has_parameters(things: asyncpg.Connection) -> None:
    assert await Prepared(ADD).count(rows=[(f"n{n}", n) for n in range(40_000)]) == 40_000


async def test_a_row_of_another_length_is_refused(things: asyncpg.Connection) -> None:
    with pytest.raises(ValueError, match="shorter"):
        await InsertRows(Thing, [Thing.name, Thing.rank], [("a", 1), ("b",)])
    assert await ranks(things) == {}


async def test_a_column_of_arrays_is_refused() -> None:
    with pytest.raises(AssertionError, match="flattens"):
        InsertRows(Thing, [Thing.tags], [(["x"],)])


async def test_only_what_is_newer_replaces_what_is_there(things: asyncpg.Connection) -> None:
    newer = InsertRows(Thing, [Thing.name, Thing.rank], Given("rows"))
    upsert = Prepared(
        newer.on_conflict(
            Thing.name, "DO UPDATE", [Thing.rank], where=Thing.rank < excluded(Thing.rank)
        )
    )
    assert await upsert.count(rows=[("a", 5), ("b", 5)]) == 2
    assert await upsert.count(rows=[("a", 6), ("b", 4), ("c", 1)]) == 2
    assert await ranks(things) == {"a": 6, "b": 5, "c": 1}


async def test_what_is_there_already_is_left_out(things: asyncpg.Connection) -> None:
    add = Prepared(
        InsertRows(Thing, [Thing.name], Given("rows"))
        .on_conflict(Thing.name, "DO NOTHING")
        .returning(Thing.name)
    )
    assert await add(rows=[("a",), ("b",)]) == [{"name": "a"}, {"name": "b"}]
    assert await add(rows=[("b",), ("c",)]) == [{"name": "c"}]


async def test_a_prepared_query_takes_its_values_at_each_run(things: asyncpg.Connection) -> None:
    await Prepared(ADD).count(rows=[("a", 1), ("b", 2)])
    assert await BY_NAME.first(name="b") == {"id": 2, "name": "b"}
    assert await BY_NAME(name="a") == [{"id": 1, "name": "a"}]
    assert await BY_NAME.first(name="nobody") is None
    with pytest.raises(KeyError, match="name"):
        await BY_NAME(nom="a")


async def test_a_list_of_values_and_a_limit(things: asyncpg.Connection) -> None:
    await Prepared(ADD).count(rows=[(name, 1) for name in "abcd"])
    query = Thing.select(Thing.name).where(any_of(Thing.name, Given("names"))).order_by(Thing.name)
    some = Prepared(query, limit=Given("limit"))
    assert await some(names=["d", "b", "x", "c"], limit=2) == [{"name": "b"}, {"name": "c"}]
    assert await some(names=[], limit=2) == []


async def test_it_runs_in_the_open_transaction_or_where_it_is_told_to(
    engine: Engine, things: asyncpg.Connection
) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is the transaction
        async with engine.transaction():
            await Prepared(ADD).count(rows=[("mine", 1)])
            assert await BY_NAME.first(name="mine")
            assert await BY_NAME.first(things, name="mine") is None
            raise ZeroDivisionError
    assert await ranks(things) == {}
    async with things.transaction():
        assert await Prepared(ADD).count(things, rows=[("theirs", 1)]) == 1
        assert await BY_NAME.first(name="theirs") is None


async def test_changes_and_removals_are_counted(things: asyncpg.Connection) -> None:
    await Prepared(ADD).count(rows=[("a", 1), ("b", 1)])
    change = Prepared(Thing.update({Thing.rank: 7}).where(Thing.name == Given("name")))
    assert await change.count(name="a") == 1
    remove = Prepared(Thing.delete().where(any_of(Thing.name, Given("names"))))
    assert await remove.count(names=["a", "b", "c"]) == 2


async def test_it_is_compiled_anew_for_another_schema(things: asyncpg.Connection) -> None:
    """A table's schema is a setting, which is read after the query was written."""
    await Prepared(ADD).count(rows=[("a", 1)])
    await things.execute("CREATE SCHEMA other CREATE TABLE thing (id bigint, name text)")
    assert await BY_NAME.first(name="a")
    Thing._meta.schema = "other"
    assert await BY_NAME.first(name="a") is None


async def test_without_a_pool_the_database_is_away() -> None:
    Thing._meta.db = create_engine("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseAway):
        await BY_NAME(name="a")
