"""Many changes at once, under any default isolation level: none is a failure of ours, and nobody is
told that the database is away."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from embedded.postgres import Postgres

DUNE = {"title": "Dune", "author": "Frank Herbert"}


def at_once(bookapp, requests: list[tuple[str, str, object]]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(requests)) as pool:
        asked = [pool.submit(bookapp.client.request, m, path, json=j) for m, path, j in requests]
        return [answer.result() for answer in asked]


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_changes_of_one_book_under_any_default_level_are_all_applied(
    start_bookapp, postgres_server: Postgres, postgres_url: str, level: str
):
    name = urlsplit(postgres_url).path[1:]
    postgres_server.execute(
        f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{level}'"
    )
    bookapp = start_bookapp(postgres_url)
    book_id = bookapp.client.post("/books/add", json=DUNE).json()
    change = f"/books/{book_id}"
    answers = at_once(
        bookapp,
        [("PATCH", change, {"title": f"Dune {n}"}) for n in range(40)]
        + [("POST", "/books/add", DUNE)] * 10
        + [("POST", "/books/bulk_add", [DUNE] * 10)] * 10,
    )
    assert {answer.status_code for answer in answers} == {200, 201}
    sequence = postgres_server.execute(
        f"SELECT sequence FROM public.books WHERE id = {book_id}", name
    )
    assert sequence == "41"


def test_a_locked_book_is_busy_and_not_away(
    start_bookapp, postgres_server: Postgres, postgres_url: str
):
    """A row's lock is held longer than a statement may take: by psql, by a migration, by load."""
    name = urlsplit(postgres_url).path[1:]
    bookapp = start_bookapp(postgres_url)
    book_id = bookapp.client.post("/books/add", json=DUNE).json()
    with ThreadPoolExecutor(1) as pool:
        lock = (
            f"BEGIN; SELECT FROM public.books WHERE id = {book_id} FOR UPDATE; SELECT pg_sleep(8)"
        )
        locked = pool.submit(postgres_server.execute, lock, name)
        # More than the pool has connections: some wait for a lock, the others for a connection.
        answers = at_once(bookapp, [("PATCH", f"/books/{book_id}", {"title": "x"})] * 30)
        locked.result()
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    for answer in refused:
        assert answer.status_code == 503
        assert answer.json()["detail"] == "The database is busy; try again."
        assert int(answer.headers["retry-after"]) > 0
    change = bookapp.client.patch(f"/books/{book_id}", json={"title": "Dune Messiah"})
    assert change.status_code == 200
