"""How Faust and the outbox read and write the records.

An undecodable message is a ``DecodeError`` in the place of the record, never an exception (see
``delivery.topics.schema``).
"""

from contracts.codec import decode, encode
from contracts.records import BookRecord, key_of
from delivery.topics import RecordSchema


class BookRecordSchema(RecordSchema[BookRecord]):
    """A record stands under its own key, the book's id; under another one it is none."""

    def decode_record(self, key: bytes | None, value: bytes | None) -> BookRecord:
        """Raises DecodeError."""
        return decode(key, value)

    def encode(self, record: BookRecord) -> bytes:
        """UTF-8 JSON."""
        return encode(record)

    def key_of(self, record: BookRecord) -> bytes:
        """The book's id in decimal."""
        return key_of(record)
