"""The generated client: up to date with the backend, and calling through a client of ours."""

import filecmp
from pathlib import Path

import httpx
import msgspec
import pytest

from backend.api.document import openapi_document
from contracts.backend_client import Client
from contracts.backend_client.api.books import get_book, list_books
from contracts.backend_client.models import CatalogueEntry, Problem
from contracts.generate_client import CLIENT, for_services, generate
from contracts.records import MAX_BIGINT

CHECKED_IN = Path(__file__).parents[3] / "docs" / "openapi" / "backend.json"

ENTRY = {
    "book_id": 7,
    "title": "Emma",
    "author": "Jane Austen",
    "status": "lost",
    "shelf_mark": ".A97 E46",
    "author_sort": "austen, jane",
    "title_sort": "emma",
    "sequence": 3,
    "ingested_at": "2024-01-01T00:00:00Z",
    "trace_id": None,
}


def test_the_checked_in_document_is_the_backends() -> None:
    """``make openapi`` brings it up to date."""
    assert CHECKED_IN.read_bytes() == openapi_document()


def test_the_client_is_the_one_that_the_document_gives(tmp_path: Path) -> None:
    """``make client`` brings it up to date."""
    generate(openapi_document(), tmp_path / "client")
    differing = []

    def compare(both: filecmp.dircmp[str]) -> None:
        differing.extend([*both.left_only, *both.right_only, *both.diff_files])
        for below in both.subdirs.values():
            compare(below)

    compare(filecmp.dircmp(CLIENT, tmp_path / "client", ignore=["__pycache__"]))
    assert differing == []


@pytest.fixture
def client() -> Client:
    """A client over a backend that knows book 7."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/books":
            assert dict(request.url.params) in (
                {"ids": "7,8", "after": "0", "until": str(MAX_BIGINT)},
                {"after": "6", "until": "8"},
            )
            return httpx.Response(200, json=[ENTRY])
        if request.url.path == "/books/7":
            return httpx.Response(200, json=ENTRY)
        said = {"title": "Not Found", "status": 404, "detail": "no such book", "errors": []}
        return httpx.Response(404, json=said)

    ours = httpx.AsyncClient(base_url="http://backend", transport=httpx.MockTransport(answer))
    return Client(base_url="http://backend").set_async_httpx_client(ours)


async def test_it_calls_through_the_http_client_that_it_is_given(client: Client) -> None:
    for asked in ({"ids": "7,8"}, {"after": 6, "until": 8}):
        entries = await list_books.asyncio(client=client, **asked)
        assert isinstance(entries, list)
        assert [(entry.book_id, entry.trace_id) for entry in entries] == [(7, None)]
    assert isinstance(await get_book.asyncio(7, client=client), CatalogueEntry)


async def test_a_problem_comes_back_as_one(client: Client) -> None:
    answer = await get_book.asyncio(8, client=client)
    assert isinstance(answer, Problem)
    assert answer.detail == "no such book"


def test_the_operators_routes_are_not_part_of_the_client() -> None:
    document = msgspec.json.decode(for_services(openapi_document()))
    assert {"/books", "/health"} < set(document["paths"])
    assert not [path for path in document["paths"] if "error-injection" in path]
    assert {"CatalogueEntry", "FieldError"} < set(document["components"]["schemas"])
    assert not {"Rule", "RuleBody"} & set(document["components"]["schemas"])
