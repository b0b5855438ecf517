"""Rows and their records in one statement, although PostgreSQL gives the id that a record tells."""

from collections.abc import Callable, Sequence
from functools import partial

import asyncpg
import msgspec
import pytest
from piccolo.columns import BigSerial, Text
from piccolo.table import Table

from delivery.postgres import Engine
from delivery.postgres.queries import Given, InsertRows, Prepared
from delivery.sending.outbox import NoKeyError, Outbox
from delivery.topics import json_topic


class Sale(Table, tablename="sale"):
    """What is inserted."""

    id = BigSerial(primary_key=True)
    item = Text()


class Sold(msgspec.Struct):
    """Its record."""

    id: int
    item: str


SOLD = json_topic("sold", Sold, key=lambda sold: sold.id)


@pytest.fixture
async def outbox(engine: Engine, sql: asyncpg.Connection) -> Outbox:
    await sql.execute("CREATE TABLE sale (id bigserial PRIMARY KEY, item text NOT NULL)")
    Sale._meta.db = engine
    return Outbox(engine)


def insert(*items: str) -> tuple[InsertRows, Sequence[Callable[[int], Sold]]]:
    rows = InsertRows(Sale, [Sale.item], [(item,) for item in items])
    return rows, [partial(lambda sale_id, item: Sold(sale_id, item), item=item) for item in items]


async def add(outbox: Outbox, *items: str) -> list[int]:
    query, records = insert(*items)
    return await outbox.insert(query, SOLD, records)


async def records(sql: asyncpg.Connection) -> list[tuple[bytes, Sold]]:
    rows = await sql.fetch("SELECT key, value FROM outbox ORDER BY id")
    return [(row["key"], msgspec.json.decode(row["value"], type=Sold)) for row in rows]


async def test_each_record_has_its_row_s_id(outbox: Outbox, sql: asyncpg.Connection) -> None:
    await sql.execute("SELECT setval('sale_id_seq', 41)")
    assert await add(outbox, "tea", "a cup") == [42, 43]
    assert await records(sql) == [(b"42", Sold(42, "tea")), (b"43", Sold(43, "a cup"))]
    assert await sql.fetch("SELECT id, item FROM sale ORDER BY 1") == [(42, "tea"), (43, "a cup")]


async def test_a_prepared_insert_is_given_its_rows(outbox: Outbox, sql: asyncpg.Connection) -> None:
    prepared = Prepared(InsertRows(Sale, [Sale.item], Given("rows")).returning(Sale.id))
    for first, items in ((1, ["tea", "a cup"]), (3, ["milk"]), (4, [])):
        _, made = insert(*items)
        ids = await outbox.insert(prepared, SOLD, made, rows=[(item,) for item in items])
        assert ids == list(range(first, first + len(items)))
    told = [(b"1", Sold(1, "tea")), (b"2", Sold(2, "a cup")), (b"3", Sold(3, "milk"))]
    assert await records(sql) == told
    with pytest.raises(KeyError, match="rows"):
        await outbox.insert(prepared, SOLD, made)


async def test_ten_thousand_keep_their_order(outbox: Outbox, sql: asyncpg.Connection) -> None:
    items = [f"item {n * 7919 % 10_000}" for n in range(10_000)]
    ids = await add(outbox, *items)
    assert ids == sorted(ids)
    assert [sold.item for _, sold in await records(sql)] == items
    assert [sold.id for _, sold in await records(sql)] == ids


async def test_none_are_none(outbox: Outbox, sql: asyncpg.Connection) -> None:
    assert await add(outbox) == []
    assert await records(sql) == []


async def test_either_both_or_neither_are_there(outbox: Outbox, sql: asyncpg.Connection) -> None:
    await sql.execute("ALTER TABLE outbox ADD CHECK (topic <> 'sold')")
    with pytest.raises(asyncpg.CheckViolationError):
        await add(outbox, "tea")
    assert await sql.fetch("SELECT FROM sale") == []


async def test_it_is_part_of_the_transaction_that_is_open(
    engine: Engine, outbox: Outbox, sql: asyncpg.Connection
) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is the transaction
        async with engine.transaction():
            await add(outbox, "tea")
            raise ZeroDivisionError
    assert await records(sql) == []
    assert await sql.fetch("SELECT FROM sale") == []


async def test_a_text_that_looks_like_an_id_stays_what_it_is(
    outbox: Outbox, sql: asyncpg.Connection
) -> None:
    texts = ["1", "2", "1000000000000000000", "9" * 19, "é\\\" || id || '", "$1", "{id}"]
    await add(outbox, *texts)
    assert [sold.item for _, sold in await records(sql)] == texts


@pytest.mark.parametrize(
    ("key", "record"),
    [
        (lambda sold: sold.item, Sold),  # not in the key
        (lambda sold: sold.id, lambda _, item: Sold(7, item)),  # not in the value
        (lambda sold: sold.id, lambda sale_id, _: Sold(sale_id, str(sale_id))),  # twice
    ],
)
async def test_an_id_that_does_not_stand_there_once_is_refused(
    outbox: Outbox, sql: asyncpg.Connection, key: Callable[[Sold], str | int], record: Callable
) -> None:
    query, _ = insert("tea")
    with pytest.raises(ValueError, match="exactly once"):
        await outbox.insert(query, json_topic("sold", Sold, key=key), [lambda i: record(i, "tea")])
    assert await sql.fetch("SELECT FROM sale") == []


async def test_a_topic_without_a_key_is_refused(outbox: Outbox, sql: asyncpg.Connection) -> None:
    query, made = insert("tea")
    with pytest.raises(NoKeyError, match="needs a key"):
        await outbox.insert(query, json_topic("sold", Sold), made)
    assert await sql.fetch("SELECT FROM sale") == []
