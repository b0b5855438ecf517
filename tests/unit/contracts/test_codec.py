"""A record's bytes: what comes back, and what is refused with which reason."""

import contextlib
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import DecodeError, decode, encode
from contracts.records import (
    MAX_BIGINT,
    MAX_TEXT,
    Book,
    BookAdded,
    BookRecord,
    BookRemoved,
    BookStatus,
    BookUpdated,
    key_of,
    why_unusable,
)

texts = st.text(min_size=1, max_size=60).filter(lambda text: not why_unusable(text))
ids = st.integers(1, MAX_BIGINT)
records = st.builds(
    lambda kind, **fields: kind(**fields),
    st.sampled_from([BookAdded, BookUpdated, BookRemoved]),
    event_id=st.uuids(),
    sequence=ids,
    occurred_at=st.datetimes(timezones=st.just(dt.UTC)),
    book=st.builds(
        Book, id=ids, title=texts, author=texts, status=st.sampled_from(list(BookStatus))
    ),
)


def document(**changes: Any) -> dict[str, Any]:
    """A record's JSON with some of it changed; ``book__title=…`` changes the book."""
    made: dict[str, Any] = {
        "type": "added",
        "event_id": "6f9619ff-8b86-4011-b42d-00cf4fc964ff",
        "sequence": 1,
        "occurred_at": "2024-01-01T00:00:00Z",
        "book": {"id": 7, "title": "Emma", "author": "Jane Austen", "status": "available"},
    }
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        place[name] = value
    return made


def without(name: str) -> dict[str, Any]:
    made = document()
    del made[name]
    return made


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def refusal(key: bytes | None, value: bytes | None) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(key, value)
    return str(caught.value)


@given(records)
def test_every_record_comes_back_as_it_went(record: BookRecord) -> None:
    assert decode(key_of(record), encode(record)) == record


def test_the_tag_stands_in_type_and_the_status_in_lower_case() -> None:
    record = decode(b"7", json.dumps(document(type="removed")).encode())
    assert isinstance(record, BookRemoved)
    written = json.loads(encode(record))
    assert (written["type"], written["book"]["status"]) == ("removed", "available")


@pytest.mark.parametrize("title", ["\u200b\u0301", "\u00ad", "\u3164", "\U000e0041"])
def test_a_record_of_an_earlier_release_is_read_whatever_new_names_are_held_to(title: str) -> None:
    value = as_json(document(book__title=title, book__author=title))
    assert decode(b"7", value).book.title == title


def test_unknown_fields_are_ignored_wherever_they_stand() -> None:
    value = json.dumps(document(added_later={"a": [1]}, book__isbn="x")).encode()
    assert decode(b"7", value).book.id == 7


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (document(type="burnt"), r"Invalid value - at `$.type`"),
        (without("type"), "missing required field `type`"),
        (without("event_id"), "missing required field `event_id`"),
        (without("book"), "missing required field `book`"),
        (document(event_id="nonsense"), "Invalid UUID"),
        (document(sequence="1"), "Expected `int`, got `str` - at `$.sequence`"),
        (document(sequence=1.0), "Expected `int`, got `float` - at `$.sequence`"),
        (document(sequence=True), "Expected `int`, got `bool` - at `$.sequence`"),
        (document(sequence=0), ">= 1 - at `$.sequence`"),
        (document(sequence=MAX_BIGINT + 1), "at `$.sequence`"),
        (document(sequence=10**30), "at `$.sequence`"),
        (document(occurred_at="2024-01-01T00:00:00"), "timezone"),
        (document(occurred_at=1704067200), "`$.occurred_at`"),
        (document(occurred_at="2024-13-01T00:00:00Z"), "`$.occurred_at`"),
        (document(book=None), "`$.book`"),
        (document(book__id=0), ">= 1 - at `$.book.id`"),
        (document(book__id=MAX_BIGINT + 1), "`$.book.id`"),
        (document(book__title=""), "`$.book.title`"),
        (document(book__title=" \t"), "title is blank"),
        (document(book__title="x" * (MAX_TEXT + 1)), "`$.book.title`"),
        (document(book__title="a\x00b"), "title contains a NUL character"),
        (document(book__author="a\x00b"), "author contains a NUL character"),
        (document(book__author=None), "`$.book.author`"),
        (document(book__status="AVAILABLE"), "Invalid enum value - at `$.book.status`"),
        ([document()], "Expected `object`, got `array`"),
        (None, "Expected `object`, got `null`"),
    ],
)
def test_what_is_not_exactly_a_record_is_refused_with_the_reason(
    changed: object, reason: str
) -> None:
    assert reason in refusal(b"7", json.dumps(changed).encode())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "tombstone"),
        (b"", "empty"),
        (b"{", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b'{"type":"added","event_id":"\xff"}', "Invalid UUID"),
        (b'{"x":' + b"[" * 100_000, "nested too deeply"),
        (json.dumps(document(book__title="?")).encode().replace(b"?", b"\xff"), "not UTF-8"),
        (json.dumps(document(book__title="?")).encode().replace(b"?", b"\\ud800"), "malformed"),
    ],
)
def test_bytes_that_are_no_json_text_are_refused_with_the_reason(
    value: bytes | None, reason: str
) -> None:
    assert reason in refusal(b"7", value)


@pytest.mark.parametrize("key", [None, b"", b"8", b"07", b" 7", b"+7", b"7.0", b"\xff"])
def test_the_key_must_be_the_decimal_id_of_the_book(key: bytes | None) -> None:
    assert "book 7" in refusal(key, json.dumps(document()).encode())


def test_the_reason_never_repeats_what_the_record_says() -> None:
    for changes in ({"type": "s3cret"}, {"book__status": "s3cret ' - at `$.x`"}):
        assert "s3cret" not in refusal(b"7", json.dumps(document(**changes)).encode())


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(as_json))
def test_no_bytes_raise_anything_but_a_decode_error(value: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(b"7", value)


@given(st.data())
def test_a_record_with_one_byte_changed_decodes_or_is_a_decode_error(data: st.DataObject) -> None:
    value = bytearray(json.dumps(document()).encode())
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError):
        decode(b"7", bytes(value))


characters = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)  # no lone surrogates
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | characters,
    lambda inner: st.lists(inner) | st.dictionaries(characters, inner),
    max_leaves=10,
).filter(lambda value: "Infinity" not in json.dumps(value))


@given(records, st.dictionaries(characters, json_values, max_size=4), st.booleans())
def test_fields_that_a_later_version_adds_change_nothing(
    record: BookRecord, later: dict[str, Any], in_the_book: bool
) -> None:
    written = json.loads(encode(record))
    place = written["book"] if in_the_book else written
    place.update({name: value for name, value in later.items() if name not in place})
    value = json.dumps(written, ensure_ascii=False).encode()
    assert decode(key_of(record), value) == record
