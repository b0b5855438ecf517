"""What is accepted as a book, and what the refusal of anything else names."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import HTTPException, ValidationException

from bookapp.books.validation import MAX_BOOKS, Change, NewBook, read_book, read_books, read_change
from contracts.records import MAX_TEXT, BookStatus

DUNE = {"title": "Dune", "author": "Frank Herbert"}


def refusal(read, body: bytes) -> dict[str, str]:
    """The refused fields and their reasons."""
    with pytest.raises(ValidationException) as caught:
        read(body)
    assert caught.value.status_code == 400
    return {error["key"]: error["message"] for error in caught.value.extra}


def test_a_book_needs_title_and_author_and_is_available_unless_it_says_otherwise():
    assert read_book(json.dumps(DUNE).encode()) == NewBook(
        "Dune", "Frank Herbert", BookStatus.available
    )


@pytest.mark.parametrize("status", ["borrowed", "BORROWED", "BorroweD"])
def test_the_status_is_read_in_any_case(status):
    body = json.dumps({**DUNE, "status": status}).encode()
    assert read_book(body).status is BookStatus.borrowed


@pytest.mark.parametrize(
    "status", ["", "sold", "borrowed ", "lo\u017ft", None, 1, True, ["lost"], {"lost": 1}]
)
def test_an_unknown_status_is_refused_and_the_known_ones_named(status):
    reasons = refusal(read_book, json.dumps({**DUNE, "status": status}).encode())
    assert reasons == {"status": "must be one of available, borrowed, lost"}


@pytest.mark.parametrize("field", ["title", "author"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is blank"),
        (" \t\n\u2003", "is blank"),
        ("a\x00b", "contains a NUL character"),
        ("x" * (MAX_TEXT + 1), "has 1001 characters; at most 1000 are taken"),
        (None, "must be a string, not null"),
        (7, "must be a string, not a number"),
        (7.5, "must be a string, not a number"),
        (False, "must be a string, not a boolean"),
        ([], "must be a string, not an array"),
        ({}, "must be a string, not an object"),
    ],
)
def test_a_wrong_title_or_author_is_refused_by_name(field, value, reason):
    for read in (read_book, read_change):
        assert refusal(read, json.dumps({**DUNE, field: value}).encode()) == {field: reason}


def test_every_wrong_field_is_named_at_once():
    assert refusal(read_book, b'{"author": 1, "status": "?"}').keys() == {
        "title",
        "author",
        "status",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"title": "Dune"',
        b'{"title": "Dune", "author": "F"} x',
        b"\xef\xbb\xbf{}",
        b'{"title": "\xff", "author": "F"}',
        b'{"title": "\xed\xa0\x80", "author": "F"}',
        b'{"title": "a\x00b", "author": "F"}',
        b'{"x": ' + b"[" * 200_000,
    ],
)
def test_what_is_not_json_is_refused(body):
    for read in (read_book, read_books, read_change):
        assert refusal(read, body).keys() == {"body"}


@pytest.mark.parametrize(
    "escaped", ["\\ud800", "\\udc00", "\\ud800x", "\\ud800\\u0041", "\\udfff\\ud800", "a\\uDBFF"]
)
def test_a_lone_surrogate_is_refused_and_named(escaped):
    body = b'{"title": "%s", "author": "F"}' % escaped.encode()
    assert "surrogate" in refusal(read_book, body)["body"]


def test_a_pair_of_surrogates_is_a_character():
    book = read_book(b'{"title": "\\ud83d\\ude00", "author": "F"}')
    assert book.title == "\U0001f600"


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"true"])
def test_a_body_that_is_no_object_is_refused(body):
    for read in (read_book, read_change):
        assert "Expected `object`" in refusal(read, body)["body"]


def test_unknown_fields_are_ignored_whatever_they_hold():
    body = (
        b'{"title": "Dune", "author": "F", "id": 1e999, "\\u0000": "\\u0000", "x": [{"y": null}]}'
    )
    assert read_book(body).title == "Dune"


def test_a_text_of_the_longest_length_is_taken_as_it_came():
    title = " " + "\u00e9" * (MAX_TEXT - 2) + " "
    assert read_book(json.dumps({**DUNE, "title": title}).encode()).title == title


def test_a_change_holds_what_was_given_and_no_more():
    assert read_change(b'{"status": "LOST"}') == Change(None, None, BookStatus.lost)
    assert read_change(b"{}") == Change(None, None, None)


def test_books_are_read_in_order():
    body = json.dumps([{**DUNE, "title": str(n)} for n in range(5)]).encode()
    assert [book.title for book in read_books(body)] == ["0", "1", "2", "3", "4"]
    assert read_books(b"[]") == []


def test_a_wrong_book_among_many_is_named_by_its_place():
    body = json.dumps([DUNE, {"title": "Emma"}, {**DUNE, "status": "?"}]).encode()
    assert refusal(read_books, body).keys() == {"[1].author", "[2].status"}
    assert refusal(read_books, b'[{"title": "a", "author": "b"}, 3]').keys() == {"[1]"}
    assert refusal(read_books, b"{}").keys() == {"body"}


def test_the_answer_to_many_wrong_books_is_short():
    assert len(refusal(read_books, b"[" + b",".join([b"{}"] * 5_000) + b"]")) == 20


def test_too_many_books_are_too_large():
    body = json.dumps([DUNE] * (MAX_BOOKS + 1)).encode()
    with pytest.raises(HTTPException) as caught:
        read_books(body)
    assert caught.value.status_code == 413
    assert len(read_books(json.dumps([DUNE] * MAX_BOOKS).encode())) == MAX_BOOKS


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode()))
def test_any_bytes_are_a_book_or_a_refusal(body):
    for read in (read_book, read_books, read_change):
        with suppress(ValidationException):
            read(body)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "title": st.text(max_size=20) | st.none() | st.integers() | st.lists(st.text()),
            "author": st.text(max_size=20) | st.floats(allow_nan=False) | st.booleans(),
            "status": st.sampled_from(["lost", "Lost", "x", ""]) | st.integers(),
            "extra": st.recursive(st.none() | st.text(), st.lists),
        },
    )
)
def test_what_is_accepted_can_be_stored(document):
    try:
        book = read_book(json.dumps(document).encode())
    except ValidationException:
        return
    for text in (book.title, book.author):
        assert text.strip()
        assert "\x00" not in text
        text.encode()  # no lone surrogate
