"""What is accepted as a book, and what the refusal of anything else names."""

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookapp.books.schemas import MAX_BOOKS
from contracts.records import MAX_TEXT, BookStatus

DUNE = {"title": "Dune", "author": "Frank Herbert"}


class Bodies:
    """Sends bodies to the routes that take one."""

    def __init__(self, client: httpx.AsyncClient, store) -> None:
        self._client = client
        self.store = store

    async def add(self, body: bytes) -> httpx.Response:
        return await self._client.post("/books/add", content=body)

    async def add_many(self, body: bytes) -> httpx.Response:
        return await self._client.post("/books/bulk_add", content=body)

    async def change(self, body: bytes) -> httpx.Response:
        return await self._client.patch("/books/1", content=body)

    async def book(self, body: bytes):
        """The book that this body adds."""
        response = await self.add(body)
        assert response.status_code == 201, response.text
        return self.store.rows[response.json()]


@pytest.fixture
def bodies(client, store) -> Bodies:
    return Bodies(client, store)


async def refusal(send, body: bytes) -> dict[str, str]:
    """The refused fields and their reasons."""
    response = await send(body)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return {error["field"]: error["reason"] for error in response.json()["errors"]}


async def test_a_book_needs_title_and_author_and_is_available_unless_it_says_otherwise(bodies):
    book = await bodies.book(json.dumps(DUNE).encode())
    assert (book.title, book.author, book.status) == ("Dune", "Frank Herbert", "available")


@pytest.mark.parametrize("status", ["borrowed", "BORROWED", "BorroweD"])
async def test_the_status_is_read_in_any_case(bodies, status):
    body = json.dumps({**DUNE, "status": status}).encode()
    assert (await bodies.book(body)).status == BookStatus.borrowed


@pytest.mark.parametrize(
    "status", ["", "sold", "borrowed ", "lo\u017ft", None, 1, True, ["lost"], {"lost": 1}]
)
async def test_an_unknown_status_is_refused_and_the_known_ones_named(bodies, status):
    reasons = await refusal(bodies.add, json.dumps({**DUNE, "status": status}).encode())
    assert reasons == {"status": "must be one of available, borrowed, lost"}


@pytest.mark.parametrize("field", ["title", "author"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is blank"),
        (" \t\n\u2003", "is blank"),
        ("\u200b \u2060\ufeff\u00ad", "has no visible character"),
        ("\u3164\u2800\U000e0041", "has no visible character"),
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
async def test_a_wrong_title_or_author_is_refused_by_name(bodies, field, value, reason):
    for send in (bodies.add, bodies.change):
        assert await refusal(send, json.dumps({**DUNE, field: value}).encode()) == {field: reason}


async def test_every_wrong_field_is_named_at_once(bodies):
    assert (await refusal(bodies.add, b'{"author": 1, "status": "?"}')).keys() == {
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
async def test_what_is_not_json_is_refused(bodies, body):
    for send in (bodies.add, bodies.add_many, bodies.change):
        assert (await refusal(send, body)).keys() == {"body"}


@pytest.mark.parametrize(
    "escaped", ["\\ud800", "\\udc00", "\\ud800x", "\\ud800\\u0041", "\\udfff\\ud800", "a\\uDBFF"]
)
async def test_a_lone_surrogate_is_refused_and_named(bodies, escaped):
    body = b'{"title": "%s", "author": "F"}' % escaped.encode()
    assert "surrogate" in (await refusal(bodies.add, body))["body"]


async def test_a_pair_of_surrogates_is_a_character(bodies):
    book = await bodies.book(b'{"title": "\\ud83d\\ude00", "author": "F"}')
    assert book.title == "\U0001f600"


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"true"])
async def test_a_body_that_is_no_object_is_refused(bodies, body):
    for send in (bodies.add, bodies.change):
        assert "Expected `object`" in (await refusal(send, body))["body"]


async def test_unknown_fields_are_ignored_whatever_they_hold(bodies):
    body = (
        b'{"title": "Dune", "author": "F", "id": 1e999, "\\u0000": "\\u0000", "x": [{"y": null}]}'
    )
    assert (await bodies.book(body)).title == "Dune"


async def test_a_text_of_the_longest_length_is_taken_as_it_came(bodies):
    title = " " + "\u00e9" * (MAX_TEXT - 2) + " "
    assert (await bodies.book(json.dumps({**DUNE, "title": title}).encode())).title == title


async def test_a_change_holds_what_was_given_and_no_more(bodies):
    await bodies.book(json.dumps(DUNE).encode())
    changed = await bodies.change(b'{"status": "LOST"}')
    assert changed.json() == {"id": 1, **DUNE, "status": "lost"}
    assert (await bodies.change(b"{}")).json() == changed.json()


async def test_books_are_read_in_order(bodies):
    body = json.dumps([{**DUNE, "title": str(n)} for n in range(5)]).encode()
    ids = (await bodies.add_many(body)).json()
    assert [bodies.store.rows[i].title for i in ids] == ["0", "1", "2", "3", "4"]
    assert (await bodies.add_many(b"[]")).json() == []


async def test_a_wrong_book_among_many_is_named_by_its_place(bodies):
    body = json.dumps([DUNE, {"title": "Emma"}, {**DUNE, "status": "?"}]).encode()
    assert (await refusal(bodies.add_many, body)).keys() == {"[1].author", "[2].status"}
    assert (await refusal(bodies.add_many, b'[{"title": "a", "author": "b"}, 3]')).keys() == {"[1]"}
    assert (await refusal(bodies.add_many, b"{}")).keys() == {"body"}


async def test_the_answer_to_many_wrong_books_is_short(bodies):
    assert len(await refusal(bodies.add_many, b"[" + b",".join([b"{}"] * 5_000) + b"]")) == 20


async def test_too_many_books_are_too_large(bodies):
    response = await bodies.add_many(json.dumps([DUNE] * (MAX_BOOKS + 1)).encode())
    assert response.status_code == 413
    response = await bodies.add_many(json.dumps([DUNE] * MAX_BOOKS).encode())
    assert len(response.json()) == MAX_BOOKS


# The store may stay as it is from one example to the next.
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@many
@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode()))
async def test_any_bytes_are_a_book_or_a_refusal(bodies, body):
    for send, taken in ((bodies.add, 201), (bodies.add_many, 201), (bodies.change, 404)):
        assert (await send(body)).status_code in {taken, 400}


@many
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
async def test_what_is_accepted_can_be_stored(bodies, document):
    response = await bodies.add(json.dumps(document).encode())
    if response.status_code == 400:
        return
    book = bodies.store.rows[response.json()]
    assert book.status in list(BookStatus)
    for text in (book.title, book.author):
        assert text.strip()
        assert "\x00" not in text
        text.encode()  # no lone surrogate
