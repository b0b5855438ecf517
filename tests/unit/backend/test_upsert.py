"""Which records of a batch are applied."""

import datetime as dt
import uuid

from hypothesis import given
from hypothesis import strategies as st

from backend.ingestion.handler import newest_of_each
from contracts.records import Book, BookAdded, BookStatus
from delivery.kafka.records import Metadata


def delivery(book_id: int, sequence: int) -> tuple[BookAdded, Metadata]:
    now = dt.datetime.now(dt.UTC)
    book = Book(id=book_id, title="t", author="a", status=BookStatus.lost)
    record = BookAdded(event_id=uuid.uuid4(), sequence=sequence, occurred_at=now, book=book)
    return record, Metadata("book_ingestion", 0, 0, b"%d" % book_id, now, ())


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 9))))
def test_of_each_book_the_highest_sequence_is_applied_once(changes: list[tuple[int, int]]) -> None:
    newest = newest_of_each([delivery(*change) for change in changes])
    applied = [(record.book.id, record.sequence) for record, _ in newest]
    assert applied == sorted(
        {book: max(s for b, s in changes if b == book) for book, _ in changes}.items()
    )
