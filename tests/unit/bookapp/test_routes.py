"""The routes' answers, as a client sees them; the store is in memory."""

import json

import pytest

from .conftest import entry

DUNE = {"title": "Dune", "author": "Frank Herbert"}
EMMA = {"title": "Emma", "author": "Jane Austen", "status": "lost"}


def assert_problem(response, status: int, *named: str) -> dict:
    """The response is a problem of this status, and its detail names each of these."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    for name in named:
        assert name in problem["detail"]
    return problem


async def test_an_added_book_is_answered_with_its_bare_id_and_can_be_read(client):
    response = await client.post("/books/add", json=DUNE)
    assert (response.status_code, response.text) == (201, "1")
    assert response.headers["content-type"] == "application/json"
    response = await client.get("/books/1")
    assert response.status_code == 200
    assert response.json() == {"id": 1, **DUNE, "status": "available"}


async def test_a_bulk_add_is_answered_with_the_ids_in_order(client):
    response = await client.post("/books/bulk_add", json=[DUNE, EMMA])
    assert (response.status_code, response.json()) == (201, [1, 2])
    assert (await client.get("/books/2")).json() == {"id": 2, **EMMA}


async def test_adding_no_books_is_no_error(client):
    response = await client.post("/books/bulk_add", json=[])
    assert (response.status_code, response.json()) == (201, [])


async def test_a_patch_changes_what_it_is_given_and_no_more(client):
    await client.post("/books/add", json=EMMA)
    response = await client.patch("/books/1", json={"title": "Persuasion", "id": 9})
    assert response.status_code == 200
    assert response.json() == {"id": 1, **EMMA, "title": "Persuasion"}
    assert (await client.patch("/books/1", json={})).json() == {
        "id": 1,
        **EMMA,
        "title": "Persuasion",
    }


async def test_a_removed_book_is_gone(client):
    await client.post("/books/add", json=DUNE)
    response = await client.delete("/books/1")
    assert (response.status_code, response.content) == (204, b"")
    assert_problem(await client.get("/books/1"), 404)
    assert_problem(await client.delete("/books/1"), 404, "book 1")


async def test_a_page_without_books_asks_nobody(client, details):
    assert (await client.get("/books")).json() == []
    assert details.calls == []


async def test_a_page_asks_backend_once_and_leads_to_the_next(client, details):
    await client.post("/books/bulk_add", json=[DUNE] * 5)
    details.entries[2] = entry(2, shelf_mark="H47")
    response = await client.get("/books", params={"limit": 2})
    assert [book["id"] for book in response.json()] == [1, 2]
    assert response.json()[0]["details"] is None
    assert response.json()[1]["details"]["shelf_mark"] == "H47"
    assert details.calls == [(1, 2)]
    seen = []
    while True:
        seen += [book["id"] for book in response.json()]
        if "next" not in response.links:
            break
        response = await client.get(response.links["next"]["url"])
    assert seen == [1, 2, 3, 4, 5]


async def test_the_last_full_page_has_no_next(client):
    await client.post("/books/bulk_add", json=[DUNE] * 4)
    response = await client.get("/books?limit=2&after=2")
    assert len(response.json()) == 2
    assert "link" not in response.headers
    assert (await client.get("/books?after=4")).json() == []


async def test_a_page_holds_a_hundred_books_unless_asked_otherwise(client):
    await client.post("/books/bulk_add", json=[DUNE] * 101)
    assert len((await client.get("/books")).json()) == 100
    assert len((await client.get("/books?limit=1000&other=1")).json()) == 101


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "", "x", "1e2", "1_0", "9" * 5000, "\uff11"])
async def test_a_wrong_limit_is_named(client, limit):
    problem = assert_problem(await client.get("/books", params={"limit": limit}), 400, "limit")
    assert [error["field"] for error in problem["errors"]] == ["limit"]


@pytest.mark.parametrize("after", ["-1", "x", str(2**63), "9" * 5000])
async def test_a_wrong_start_is_named(client, after):
    assert_problem(await client.get("/books", params={"after": after}), 400, "after")


@pytest.mark.parametrize(
    "book_id",
    ["0", "-1", "x", "1.5", "1_0", "%201", "\uff11", str(2**63), "9" * 5000, "%00", "%ff"],
)
async def test_an_id_that_no_book_can_have_is_not_found(client, book_id):
    await client.post("/books/bulk_add", json=[DUNE] * 10)
    for response in (
        await client.get(f"/books/{book_id}"),
        await client.patch(f"/books/{book_id}", json={}),
        await client.delete(f"/books/{book_id}"),
    ):
        assert_problem(response, 404)


async def test_unknown_books_and_paths_are_not_found(client):
    assert_problem(await client.get("/books/77"), 404, "77")
    assert_problem(await client.patch("/books/77", json=DUNE), 404, "77")
    assert_problem(await client.delete("/books/77"), 404, "77")
    assert_problem(await client.get("/nothing"), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/books/1"), ("POST", "/books/1"), ("POST", "/books"), ("GET", "/books/add")],
)
async def test_a_wrong_method_is_refused_with_the_right_ones(client, method, path):
    response = await client.request(method, path)
    assert_problem(response, 405)
    assert response.headers["allow"]


async def test_bad_fields_are_named_and_nothing_is_stored(client, store):
    problem = assert_problem(
        await client.post("/books/add", json={"title": " ", "status": "sold"}),
        400,
        "title: is blank",
        "author: is missing",
        "status: must be one of",
    )
    assert {error["field"] for error in problem["errors"]} == {"title", "author", "status"}
    assert_problem(await client.post("/books/bulk_add", json=[DUNE, {}]), 400, "[1].title")
    assert_problem(await client.post("/books/add", content=b'{"title"'), 400, "JSON")
    assert_problem(await client.post("/books/add", json=[DUNE]), 400, "object")
    assert not store.rows


async def test_a_body_over_its_limit_is_too_large_announced_or_not(client, store):
    async def chunks(size):
        yield b'{"title": "'
        for _ in range(size // 65536 + 1):
            yield b"x" * 65536

    for path, size in (("/books/add", 1 << 20), ("/books/bulk_add", 8 << 20)):
        assert_problem(await client.post(path, content=b" " * (size + 1)), 413, str(size))
        assert_problem(await client.post(path, content=chunks(size)), 413, str(size))
    fits = json.dumps(DUNE).encode().ljust(1 << 20)
    assert (await client.post("/books/add", content=fits)).status_code == 201
    assert_problem(await client.post("/books/bulk_add", json=[DUNE] * 10_001), 413, "10000")
    assert len(store.rows) == 1


async def test_a_body_over_its_limit_is_not_read_to_its_end(client):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 1 << 16
            yield b"x" * (1 << 16)

    assert_problem(await client.post("/books/add", content=endless()), 413)
    assert sent <= (1 << 20) + (1 << 17)


async def test_a_database_that_is_away_is_said_to_be_away(client, store):
    store.away = True
    for response in (
        await client.get("/books"),
        await client.get("/books/1"),
        await client.patch("/books/1", json={}),
        await client.delete("/books/1"),
        await client.post("/books/add", json=DUNE),
        await client.post("/books/bulk_add", json=[DUNE]),
    ):
        assert_problem(response, 503)
        assert int(response.headers["retry-after"]) > 0
        assert "db.internal" not in response.text
    assert_problem(await client.get("/health/ready"), 503, "PostgreSQL")
    for path in ("/health", "/health/live"):
        assert (await client.get(path)).status_code == 200


async def test_a_failure_of_ours_tells_nothing_and_is_recorded_once(client, store, recorded):
    store.broken = True
    response = await client.get("/books/1")
    assert_problem(response, 500)
    assert "secret" not in response.text
    assert [type(error) for error in recorded] == [RuntimeError]


async def test_a_ready_service_says_so(client):
    assert (await client.get("/health/ready")).json() == {"status": "ready"}


async def test_a_key_adds_once_and_gets_the_same_answer(client, store):
    key = {"Idempotency-Key": "k-1"}
    first = await client.post("/books/add", json=DUNE, headers=key)
    again = await client.post("/books/add", json=dict(reversed(DUNE.items())), headers=key)
    assert (first.status_code, first.text) == (again.status_code, again.text) == (201, "1")
    assert len(store.rows) == 1


async def test_a_key_belongs_to_one_request(client):
    key = {"Idempotency-Key": "k-1"}
    await client.post("/books/add", json=DUNE, headers=key)
    assert_problem(await client.post("/books/add", json=EMMA, headers=key), 409, "Idempotency-Key")
    assert_problem(await client.post("/books/bulk_add", json=[DUNE], headers=key), 409)


@pytest.mark.parametrize("key", ["", " ", "x" * 256])
async def test_a_key_of_a_wrong_length_is_named(client, store, key):
    for path, body in (("/books/add", DUNE), ("/books/bulk_add", [DUNE])):
        response = await client.post(path, json=body, headers={"Idempotency-Key": key})
        assert_problem(response, 400, "Idempotency-Key")
    assert not store.rows


async def test_the_methods_of_each_path_are_told(client):
    for path, methods in (
        ("/books", {"GET", "OPTIONS"}),
        ("/books/add", {"POST", "OPTIONS"}),
        ("/books/1", {"GET", "PATCH", "DELETE", "OPTIONS"}),
    ):
        for response in (await client.options(path), await client.put(path)):
            assert set(response.headers["allow"].split(", ")) == methods
