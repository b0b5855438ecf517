"""When everything is bad: the records, or the handler."""

import time

from embedded.waiting import wait_until

from .conftest import DEAD_LETTERS, WITHIN, Books, a_record

BURST = RATE = 20
"""Dead letters of undecodable records, at once and a second, in each worker."""


def test_a_storm_of_poison_is_dead_lettered_at_a_bounded_rate_and_good_records_get_through(
    books: Books,
) -> None:
    before = books.dead_letters()
    # No key is a book's id: the next test looks for its own books among the dead letters.
    poison = [(b"poison %d" % number, b"\xff not a record %d" % number) for number in range(160)]
    good = [a_record(2_000_000_000 + number) for number in range(40)]
    mixed = [record for n, record in enumerate(poison) for record in (record, *good[n : n + 1])]
    began = time.monotonic()
    books.publish(*mixed)

    def all_dead() -> bool:
        seconds = time.monotonic() - began
        dead = books.dead_letters() - before
        # Counted after the clock was read: never more than the rate allows until then.
        assert dead <= BURST + RATE * (seconds + 1), f"{dead} dead letters in {seconds:.1f} s"
        assert books.unready() == {}
        return dead >= len(poison)

    wait_until(all_dead, WITHIN, interval=0.2, what="all poison is dead-lettered")
    books.wait_ingested([2_000_000_000 + number for number in range(40)])
    letters = {(letter.key(), letter.value()) for letter in books.read(DEAD_LETTERS)}
    assert set(poison) <= letters
    books.wait_ingested(books.add(5))


def test_a_handler_that_fails_for_everything_stops_consumption_and_it_resumes_by_itself(
    books: Books,
) -> None:
    before = books.dead_letters()
    books.sql("""
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'a bad deployment'; END $$;
        CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON backend.book
        FOR EACH ROW EXECUTE FUNCTION fail();
    """)
    try:
        ids = books.add(200)
        reasons = wait_until(books.unready, WITHIN, what="backend says that it is not ready")
        assert "a bad deployment" in reasons["circuit"]
        assert "consumption is stopped" in reasons["circuit"]
        wait_until(lambda: books.metric("consumer.circuit") == 1, WITHIN, what="the metric")
        said = [line for line in books.stack.backend.lines if "consumption is stopped" in line]
        assert len(said) == 1
        assert "ERROR" in said[0]
        wait_until(lambda: books.logged("consumption is stopped"), WITHIN, what="the log record")
        # It stays so: nothing more is dead-lettered, however long it lasts.
        dead = books.dead_letters() - before
        assert dead < 10
        ids += books.add(20)
        time.sleep(5)
        assert books.dead_letters() - before == dead
        assert set(books.unready()) == {"circuit"}
    finally:
        books.sql("DROP TRIGGER fail ON backend.book; DROP FUNCTION fail")
    wait_until(lambda: not books.unready(), WITHIN, what="backend is ready again")
    gone = {int(letter.key()) for letter in books.read(DEAD_LETTERS) if letter.key().isdigit()}
    lost = gone & set(ids)
    assert len(lost) == dead
    books.wait_ingested([book for book in ids if book not in lost])
    wait_until(lambda: books.metric("consumer.circuit") == 0, WITHIN, what="the metric")
