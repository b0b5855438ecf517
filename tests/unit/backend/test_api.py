"""The API over a reader of the test's own: what it asks for, and what it answers."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from backend.api import create_api
from backend.api.controllers import MAX_ENTRIES
from backend.api.schemas import CatalogueEntry
from backend.api.store import CatalogueStore
from contracts.conventions import Conventions
from contracts.problems import FieldError
from contracts.records import MAX_BIGINT, BookStatus


class Shelf(CatalogueStore):
    """Holds books 7 and 9, and notes each read."""

    def __init__(self) -> None:
        self.reads: list[Any] = []
        self.failure: Exception | None = None

    async def entry(self, book_id: int) -> CatalogueEntry | None:
        found = self._read([book_id])
        return found[0] if found else None

    async def entries(self, book_ids: Sequence[int]) -> list[CatalogueEntry]:
        return self._read(book_ids)

    async def between(self, after: int, until: int, limit: int) -> list[CatalogueEntry]:
        return self._read(range(after + 1, until + 1))[:limit]

    def _read(self, book_ids: Sequence[int]) -> list[CatalogueEntry]:
        self.reads.append(book_ids)
        if self.failure is not None:
            raise self.failure
        return [entry(book_id) for book_id in (7, 9) if book_id in book_ids]


def entry(book_id: int) -> CatalogueEntry:
    return CatalogueEntry(
        book_id=book_id,
        title="Emma",
        author="Jane Austen",
        status=BookStatus.available,
        shelf_mark=".A97 E46",
        author_sort="austen, jane",
        title_sort="emma",
        sequence=1,
        ingested_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


class Api:
    """The API, and what is behind it."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.missing: list[FieldError] = []
        self.recorded: list[BaseException] = []
        app = create_api(
            self.shelf,
            self._readiness,
            Conventions(
                lambda error: (
                    "The database is away; try again."
                    if isinstance(error, ConnectionError)
                    else None
                ),
                self.recorded.append,
            ),
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test")

    async def _readiness(self) -> list[FieldError]:
        return self.missing

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    async with api.client:
        yield api


async def test_a_book_is_answered_with_its_whole_entry(api: Api) -> None:
    response = await api.get("/books/7")
    assert response.status_code == 200
    assert response.json() == {
        "book_id": 7,
        "title": "Emma",
        "author": "Jane Austen",
        "status": "available",
        "shelf_mark": ".A97 E46",
        "author_sort": "austen, jane",
        "title_sort": "emma",
        "sequence": 1,
        "ingested_at": "2024-01-01T00:00:00Z",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }


@pytest.mark.parametrize("book_id", ["8", "0", "-7", str(MAX_BIGINT), str(MAX_BIGINT + 1), "x"])
async def test_a_book_that_is_not_there_is_a_404(api: Api, book_id: str) -> None:
    response = await api.get(f"/books/{book_id}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_id_that_no_book_can_have_is_not_asked_for(api: Api) -> None:
    await api.get(f"/books/{MAX_BIGINT + 1}")
    assert api.shelf.reads == []


async def test_many_books_are_one_read_and_the_missing_are_absent(api: Api) -> None:
    response = await api.get("/books?ids=9,8,7")
    assert [book["book_id"] for book in response.json()] == [7, 9]
    assert api.shelf.reads == [[9, 8, 7]]


@pytest.mark.parametrize(
    ("query", "asked", "found"),
    [
        ("after=6&until=9", range(7, 10), [7, 9]),
        ("until=7", range(1, 8), [7]),
        ("after=7", range(8, MAX_BIGINT + 1), [9]),
        ("", range(1, MAX_BIGINT + 1), [7, 9]),
        ("ids=7,8,9&after=7&until=8", [8], []),
        ("ids=7,8,9&until=7", [7], [7]),
        ("after=7&until=8", range(8, 9), []),
        ("after=9&until=7", range(10, 8), []),
    ],
)
async def test_a_range_of_books_is_one_read(
    api: Api, query: str, asked: Sequence[int], found: list[int]
) -> None:
    response = await api.get(f"/books?{query}")
    assert [book["book_id"] for book in response.json()] == found
    assert api.shelf.reads == [asked]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("until=-1", "until"),
        ("until=1e2", "until"),
        ("after=x&until=9", "after"),
        (f"until={MAX_BIGINT + 1}", "until"),
    ],
)
async def test_a_range_that_is_none_is_refused_by_name(api: Api, query: str, field: str) -> None:
    response = await api.get(f"/books?{query}")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert api.shelf.reads == []


async def test_a_page_of_a_thousand_is_answered_and_one_more_is_refused(api: Api) -> None:
    ids = [str(MAX_BIGINT - n) for n in range(MAX_ENTRIES + 1)]
    assert (await api.get("/books?ids=" + ",".join(ids[1:]))).status_code == 200
    response = await api.get("/books?ids=" + ",".join(ids))
    assert response.status_code == 400
    assert response.json()["errors"] == [{"field": "ids", "reason": "more than 1000 ids"}]


@pytest.mark.parametrize(
    "query", ["?ids=", "?ids=1,,2", "?ids=a", "?ids=1;2", "?ids=-1", "?ids=%00"]
)
async def test_ids_that_are_none_are_refused_by_name(api: Api, query: str) -> None:
    response = await api.get(f"/books{query}")
    assert response.status_code == 400
    assert "ids" in response.json()["detail"]
    assert api.shelf.reads == []


async def test_an_id_out_of_range_is_refused_by_name(api: Api) -> None:
    response = await api.get(f"/books?ids=1,{MAX_BIGINT + 1}")
    assert response.json()["errors"] == [{"field": "ids", "reason": "an id is out of range"}]


async def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(api: Api) -> None:
    api.shelf.failure = ConnectionError("db-17")
    response = await api.get("/books/7")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert api.recorded == [api.shelf.failure]


async def test_live_while_not_ready_and_ready_says_which_part_and_why(api: Api) -> None:
    api.missing = [FieldError("kafka", "Kafka is away"), FieldError("database", "silent")]
    for path in ("/health", "/health/live"):
        assert (await api.get(path)).json() == {"status": "live"}
    response = await api.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["errors"] == [
        {"field": "kafka", "reason": "Kafka is away"},
        {"field": "database", "reason": "silent"},
    ]
    api.missing = []
    assert (await api.get("/health/ready")).json() == {"status": "ready"}


async def test_both_documents_are_served_under_schema(api: Api) -> None:
    openapi = (await api.get("/schema/openapi.json")).json()
    operations = [route["get"]["operationId"] for route in openapi["paths"].values()]
    assert sorted(operations) == ["get_book", "health", "health_live", "health_ready", "list_books"]
    assert (await api.get("/schema/asyncapi.json")).json()["asyncapi"] == "3.0.0"
