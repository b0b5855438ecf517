"""The books in a real PostgreSQL: what is stored is published, in order, once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from piccolo.apps.migrations.commands.new import AutoMigrationManager
from piccolo.conf.apps import Finder

from bookapp.books import idempotency
from bookapp.books.catalogue import CATALOGUE
from bookapp.books.schemas import BookChange, NewBook
from bookapp.books.store import BookStore
from bookapp.database import APPS
from contracts.codec import decode
from contracts.records import Book, BookAdded, BookRecord, BookRemoved, BookStatus, BookUpdated
from contracts.topics import BOOK_INGESTION
from delivery.postgres import Engine, bind_tables, close_pool, create_engine, migrate, open_pool
from delivery.sending.outbox import Outbox
from embedded.testing import poll_until

DUNE = NewBook("Dune", "Frank Herbert", BookStatus.available)
ODD = NewBook('"id":0,\\ {} \U0001f600 \u2028', "O'Brien; --", BookStatus.lost)


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[Engine]:
    """A migrated database of the test's own, with a pool."""
    engine = create_engine(postgres_url)
    await migrate(engine, APPS)
    await open_pool(engine)
    yield engine
    await close_pool(engine)


@pytest.fixture
def woken() -> list[int]:
    """Grows with each commit that the relay is told of."""
    return []


@pytest.fixture
def store(engine: Engine, woken: list[int]) -> BookStore:
    return BookStore(engine, Outbox(engine, lambda: woken.append(1)))


async def published(engine: Engine, book_id: int | None = None) -> list[BookRecord]:
    """The outbox's records in the order in which they will be sent, without the catalogue's."""
    rows = await engine.pool.fetch("SELECT * FROM outbox ORDER BY id OFFSET $1", len(CATALOGUE))
    assert {row["topic"] for row in rows} <= {BOOK_INGESTION.name}
    records = [decode(row["key"], row["value"]) for row in rows]
    return [r for r in records if book_id is None or r.book.id == book_id]


async def test_the_library_opens_with_real_books_and_each_is_published(engine, store):
    assert len(set(CATALOGUE)) >= 100
    books = await store.page(0, 1_000)
    assert [(book.title, book.author) for book in books] == list(CATALOGUE)
    rows = await engine.pool.fetch("SELECT key, value FROM outbox ORDER BY id")
    records = [decode(row["key"], row["value"]) for row in rows]
    assert [(r.book.id, r.book.title, r.book.author) for r in records] == [
        (book.id, book.title, book.author) for book in books
    ]
    assert {(type(r), r.sequence) for r in records} == {(BookAdded, 1)}
    assert len({r.event_id for r in records}) == len(records)


async def test_migrating_again_changes_nothing(engine, store, postgres_url):
    for _ in range(2):
        await migrate(create_engine(postgres_url), APPS)
    bind_tables(engine, APPS)
    assert len(await store.page(0, 1_000)) == len(CATALOGUE)


async def test_the_tables_need_no_further_migration(engine):
    app = Finder().get_app_config(app_name="bookapp")
    for table in app.table_classes:
        table._meta.schema = None  # as in the migrations, which run in the service's
    changes = await AutoMigrationManager().get_alter_statements(app)
    assert [statement for change in changes for statement in change.statements] == []


@pytest.mark.parametrize("new", [DUNE, ODD])
async def test_an_added_book_is_stored_and_its_record_waits_to_be_sent(engine, store, woken, new):
    book_id = await store.add(new)
    book = Book(id=book_id, title=new.title, author=new.author, status=BookStatus(new.status))
    assert await store.get(book_id) == book
    (record,) = await published(engine)
    assert isinstance(record, BookAdded)
    assert record.sequence == 1
    assert record.book == book
    assert woken


async def test_many_books_get_ids_in_their_order_and_a_record_each(engine, store, woken):
    new = [NewBook(f"{n}", "A", BookStatus.available) for n in range(500)] + [ODD]
    ids = await store.add_many(new)
    assert ids == sorted(ids)
    records = await published(engine)
    assert [(r.book.id, r.book.title) for r in records] == [
        (book_id, book.title) for book_id, book in zip(ids, new, strict=True)
    ]
    assert (await store.get(ids[-1])).title == ODD.title
    assert len(woken) == 1
    assert await store.add_many([]) == []


async def test_a_book_that_cannot_be_published_is_not_stored(engine, store):
    await engine.pool.execute("ALTER TABLE outbox ADD CHECK (id < 0) NOT VALID")
    before = await engine.pool.fetchval("SELECT count(*) FROM books")
    token = idempotency.token("k", "add", [DUNE])
    for add in (
        store.add(DUNE),
        store.add_many([DUNE]),
        store.add_many([DUNE], token),
        store.change(1, BookChange(title="New")),
        store.remove(1),
    ):
        with pytest.raises(Exception, match="violates check constraint"):
            await add
    assert await engine.pool.fetchval("SELECT count(*) FROM books") == before
    assert (await store.get(1)).title == CATALOGUE[0][0]
    assert await idempotency.find(token) is None


async def test_a_change_publishes_the_whole_book_under_the_next_sequence(engine, store):
    book_id = await store.add(DUNE)
    book = await store.change(book_id, BookChange(status="Borrowed"))
    assert book == Book(
        id=book_id, title="Dune", author="Frank Herbert", status=BookStatus.borrowed
    )
    _, record = await published(engine)
    assert isinstance(record, BookUpdated)
    assert (record.sequence, record.book) == (2, book)


async def test_a_change_that_changes_nothing_publishes_nothing(engine, store, woken):
    book_id = await store.add(DUNE)
    await store.change(book_id, BookChange())
    await store.change(book_id, BookChange(title="Dune", status="available"))
    assert len(await published(engine)) == 1
    assert len(woken) == 1


async def test_a_removed_book_has_the_highest_sequence_and_its_last_state(engine, store):
    book_id = await store.add(DUNE)
    await store.change(book_id, BookChange(title="Dune Messiah"))
    assert await store.remove(book_id)
    assert await store.get(book_id) is None
    record = (await published(engine))[-1]
    assert isinstance(record, BookRemoved)
    assert (record.sequence, record.book.title) == (3, "Dune Messiah")
    assert not await store.remove(book_id)
    assert await store.change(book_id, BookChange(title="x")) is None
    assert await store.add(DUNE) > book_id


async def test_the_records_of_one_book_stand_in_the_order_of_their_sequences(engine, store):
    book_id = await store.add(DUNE)
    await asyncio.gather(*(store.change(book_id, BookChange(title=f"t{n}")) for n in range(40)))
    await asyncio.gather(*(store.remove(book_id) for _ in range(3)))
    records = await published(engine, book_id)
    assert [record.sequence for record in records] == list(range(1, 43))
    assert isinstance(records[-1], BookRemoved)
    assert records[-1].book.title == records[-2].book.title


@pytest.mark.parametrize("books", [[DUNE], [DUNE, ODD] * 50])
async def test_a_key_adds_once_however_many_ask_at_the_same_time(engine, store, woken, books):
    token = idempotency.token("k", "bulk_add", books)
    answers = await asyncio.gather(*(store.add_many(books, token) for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]) == len(books)
    assert len(await published(engine)) == len(books)
    assert len(woken) == 1
    assert await store.add_many(books, token) == answers[0]


async def test_a_key_that_failed_can_be_used_again(engine, store):
    token = idempotency.token("k", "add", [DUNE])
    await engine.pool.execute("ALTER TABLE books ADD CONSTRAINT closed CHECK (id < 0) NOT VALID")
    with pytest.raises(Exception, match="closed"):
        await store.add_many([DUNE], token)
    await engine.pool.execute("ALTER TABLE books DROP CONSTRAINT closed")
    assert len(await store.add_many([DUNE], token)) == 1


async def test_a_key_is_refused_with_other_books(store):
    await store.add_many([DUNE], idempotency.token("k", "add", [DUNE]))
    for other in (
        idempotency.token("k", "add", [ODD]),
        idempotency.token("k", "bulk_add", [DUNE]),
    ):
        with pytest.raises(idempotency.KeyReused):
            await store.add_many([DUNE], other)


async def test_keys_have_a_day(engine, store):
    for key in ("old", "new"):
        await store.add_many([DUNE], idempotency.token(key, "add", [DUNE]))
    await engine.pool.execute(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'old'"
    )
    await idempotency.expire()
    assert await engine.pool.fetch("SELECT key FROM idempotency_keys") == [("new",)]


async def test_pages_and_books_are_found_by_index(engine, store):
    await engine.pool.execute("ANALYZE books")
    seen = []
    async with engine.transaction() as transaction:
        connection = transaction.connection
        await connection.execute("SET LOCAL enable_seqscan = off")
        connection.add_query_logger(lambda query: seen.append((query.query, query.args)))
        await store.get(5)
        await store.page(5, 3)
        await poll_until(lambda: len(seen) == 2)  # asyncpg tells it later
        asked = list(seen)
        for text, args in asked:
            plan = await connection.fetchval(f"EXPLAIN (FORMAT json) {text}", *args)
            assert "books_pkey" in plan
            assert '"Sort"' not in plan
