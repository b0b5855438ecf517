"""bookapp's own tables. The outbox is delivery's, and migrated with them."""

from piccolo.columns import Array, BigInt, BigSerial, Bytea, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class Book(Table, tablename="books"):
    """A book of the library.

    ``sequence`` counts the book's changes, from 1; it grows under the row's lock, in the
    transaction that writes the change's record. The ids come from a sequence and are never given
    twice, so nothing need outlive a removed book: its last record has the highest sequence.
    """

    id = BigSerial(primary_key=True)
    title = Text()
    author = Text()
    status = Text(default="available")
    sequence = BigInt(default=1)


class IdempotencyKey(Table, tablename="idempotency_keys"):
    """The answer that an ``Idempotency-Key`` got, written in the transaction of its effect."""

    key = Text(primary_key=True)
    fingerprint = Bytea()
    book_ids = Array(base_column=BigInt())
    created_at = Timestamptz(default=TimestamptzNow(), index=True)
