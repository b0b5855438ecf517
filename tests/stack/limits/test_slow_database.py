"""A database that is slow, or holds the worker up: consumption slows down, and loses nothing."""

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from .conftest import Books


@pytest.fixture
def slow(books: Books) -> Iterator[None]:
    """Every row that is written takes 50 ms: a full batch takes longer than a statement may."""
    books.sql("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON backend.book
        FOR EACH ROW EXECUTE FUNCTION slow();
    """)
    yield
    books.sql("DROP TRIGGER slow ON backend.book; DROP FUNCTION slow")


@pytest.mark.timeout(300)
def test_a_slow_database_slows_consumption_down_and_keeps_the_partitions(
    books: Books, slow: None
) -> None:
    before = books.assignments()
    began = time.monotonic()
    ids = books.add(1000)
    books.wait_ingested(ids, 200)
    assert time.monotonic() - began > 8, "the group's session would not have ended meanwhile"
    assert books.assignments() == before
    assert books.unready() == {}


@contextlib.contextmanager
def locked(books: Books, seconds: float) -> Iterator[None]:
    """The read model can be read and not written, for so long or a little longer."""
    hold = f"LOCK TABLE backend.book IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep({seconds})"
    holder = threading.Thread(target=books.sql, args=(f"BEGIN; {hold}; COMMIT",))
    holder.start()
    yield
    holder.join()


def test_a_database_that_lets_nobody_write_for_longer_than_the_session_costs_no_partition(
    books: Books,
) -> None:
    before = books.assignments()
    with locked(books, 14):
        time.sleep(0.5)
        ids = books.add(300)
        time.sleep(9)
        assert books.ingested(ids) == 0
        assert books.ingested(list(range(1, 101))) == 100  # reads go on
        assert books.unready() == {}
    books.wait_ingested(ids)
    assert books.assignments() == before
    assert books.dead_letters() == 0
