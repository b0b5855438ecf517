"""Records to bytes and back: UTF-8 JSON, strict about what it knows, blind to what it does not.

Fields that a later version adds are ignored. Everything else that is not exactly a record is a
``DecodeError`` whose text says what is wrong and never repeats a title or an author.
"""

import re
from typing import Final

import msgspec

from contracts.records import BookRecord, key_of

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[BookRecord]] = msgspec.json.Decoder(BookRecord)
_QUOTED_VALUE: Final = re.compile(r"(?<=value) (['\"]).*\1", re.DOTALL)


class DecodeError(ValueError):
    """The bytes are not a record of this topic, and no later attempt will make them one."""


def encode(record: BookRecord) -> bytes:
    """The record's value on the topic."""
    return _encoder.encode(record)


def decode(key: bytes | None, value: bytes | None) -> BookRecord:
    """The record in a message's value, checked against the message's key.

    Raises:
        DecodeError: for anything but a well-formed record under its own key.
    """
    if value is None:
        raise DecodeError("no value: a removed book is a record here, not a tombstone")
    if not value:
        raise DecodeError("the value is empty")
    try:
        record = _decoder.decode(value)
    except RecursionError:
        raise DecodeError("the value is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise DecodeError(f"the value is not UTF-8: {error.reason}") from None
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise DecodeError(_without_content(str(error))) from None
    if key != key_of(record):
        shown = "missing" if key is None else repr(key[:40])
        raise DecodeError(f"the key is {shown}, but the record is of book {record.book.id}")
    return record


def _without_content(reason: str) -> str:
    """msgspec quotes an unknown tag or status in full; errors travel in headers and logs."""
    return _QUOTED_VALUE.sub("", reason)
