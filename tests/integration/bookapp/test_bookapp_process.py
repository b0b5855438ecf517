"""bookapp as a process: how it starts, what it refuses to start with, and how it ends."""

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.waiting import wait_until

DUNE = {"title": "Dune", "author": "Frank Herbert"}
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def test_it_serves_without_kafka_and_without_backend(start_bookapp, postgres_url):
    bookapp = start_bookapp(postgres_url)
    began = time.monotonic()
    response = bookapp.client.post("/books/add", json=DUNE)
    assert response.status_code == 201
    books = bookapp.client.get("/books").json()
    assert len(books) == 100
    assert {book["details"] for book in books} == {None}
    assert time.monotonic() - began < 2
    assert bookapp.is_ready()


def test_every_response_carries_its_traceparent(start_bookapp, postgres_url):
    bookapp = start_bookapp(postgres_url)
    seen = set()
    for method, path, status in (
        ("GET", "/books/1", 200),
        ("GET", "/books/99999", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/books/1", 405),
        ("POST", "/books/add", 400),
        ("POST", "/books/bulk_add", 400),
        ("DELETE", "/books/2", 204),
    ):
        response = bookapp.client.request(method, path)
        assert response.status_code == status
        assert TRACEPARENT.fullmatch(response.headers["traceparent"])
        seen.add(response.headers["traceparent"][3:35])
    assert len(seen) == 7


def test_an_added_book_reaches_kafka(start_bookapp, postgres_server, broker_url):
    name = "reaches_kafka"
    bookapp = start_bookapp(postgres_server.create_database(name), broker=broker_url)
    assert bookapp.client.post("/books/add", json=DUNE).status_code == 201

    def is_drained() -> bool:
        return postgres_server.execute("SELECT count(*) FROM outbox", name).strip() == "0"

    wait_until(is_drained, what="the end of the outbox")


def test_two_workers_share_one_port_and_one_key(start_bookapp, postgres_url):
    bookapp = start_bookapp(postgres_url, workers=2)
    headers = {"Idempotency-Key": "one", "Connection": "close"}
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda _: bookapp.client.post("/books/add", json=DUNE, headers=headers).text,
                range(64),
            )
        )
    assert len(set(answers)) == 1
    books = bookapp.client.get("/books", params={"after": int(answers[0]) - 1}).json()
    assert [book["title"] for book in books] == ["Dune"]
    began = time.monotonic()
    bookapp.process.stop(timeout=15)
    assert time.monotonic() - began < 10


def test_a_stop_answers_what_is_in_flight_and_ends_soon(start_bookapp, postgres_url):
    bookapp = start_bookapp(postgres_url)
    body = [DUNE] * 10_000
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(bookapp.client.post, "/books/bulk_add", json=body)
        time.sleep(0.05)
        began = time.monotonic()
        bookapp.process.stop(timeout=15)
        assert time.monotonic() - began < 10
        assert answer.result().status_code == 201
    lines = "\n".join(bookapp.process.lines)
    assert "Application shutdown complete" in lines
    assert "Traceback" not in lines


def test_it_starts_while_postgresql_is_away_and_is_ready_when_that_has_come(
    start_bookapp, own_postgres: Postgres
):
    url = own_postgres.create_database("late")
    own_postgres.kill()
    bookapp = start_bookapp(url, wait="/health/live")
    assert "PostgreSQL" in bookapp.client.get("/health/ready").json()["detail"]
    for response in (
        bookapp.client.get("/books"),
        bookapp.client.post("/books/add", json=DUNE),
        bookapp.client.delete("/books/1"),
    ):
        assert response.status_code == 503
        assert response.headers["retry-after"]
    own_postgres.start()
    wait_until(bookapp.is_ready, what="readiness")
    assert len(bookapp.client.get("/books").json()) == 100


def test_migrations_by_hand(start_bookapp, run_service, postgres_url):
    bookapp = start_bookapp(postgres_url, wait="/health/live", MIGRATE_AT_START="false")
    assert "python -m bookapp.migrate" in bookapp.client.get("/health/ready").json()["detail"]
    assert bookapp.client.get("/books/1").status_code == 503
    for _ in range(2):  # the second one finds nothing to do
        migration = run_service(
            [sys.executable, "-m", "bookapp.migrate"], {"DATABASE_URL": postgres_url}
        )
        assert migration.wait(30) == 0
    wait_until(bookapp.is_ready, what="readiness")
    assert bookapp.client.get("/books/1").status_code == 200


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", ""),
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_line(run_service, variable, value):
    env = {"DATABASE_URL": "postgresql://user:hunter2@127.0.0.1:1/books", variable: value}
    process = run_service(["bookapp", "--port", str(free_port())], env)
    assert process.wait(20) != 0
    (line,) = process.lines
    assert line.startswith("bookapp: ")
    assert variable in line
    assert "hunter2" not in line


def test_rules_of_error_injection_take_effect_in_the_running_process(start_bookapp, postgres_url):
    bookapp = start_bookapp(postgres_url, ADMIN_TOKEN="let me in")
    rule = {
        "endpoint_pattern": "/books/{id}",
        "http_method": "GET",
        "error_rate": 1,
        "error_code": 418,
    }
    assert bookapp.client.post("/error-injection", json=rule).status_code == 401
    bookapp.client.headers["Authorization"] = "Bearer let me in"
    created = bookapp.client.post("/error-injection", json=rule)
    assert created.status_code == 201

    def status() -> int:
        return bookapp.client.get("/books/1").status_code

    wait_until(lambda: status() == 418, 2, what="the rule's effect")
    assert bookapp.client.get("/books").status_code == 200
    path = f"/error-injection/{created.json()['id']}"
    assert bookapp.client.delete(path).status_code == 204
    wait_until(lambda: status() == 200, 2, what="the end of the rule's effect")
