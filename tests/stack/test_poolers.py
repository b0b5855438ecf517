"""Both services behind PgBouncer, in each of its modes, with and without a way past it."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from delivery.postgres import create_engine, is_pooled
from embedded.broker import Broker
from embedded.native.pgbouncer import PgBouncer
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.services import bare_environment, start_service
from embedded.waiting import wait_until

DUNE = {"title": "Dune", "author": "Frank Herbert"}
WITHIN = 60.0


class Pooled:
    """The services, reached by their APIs, on a database behind a pooler."""

    def __init__(self, parts: ExitStack, mode: Any, direct: bool) -> None:
        self.postgres = parts.enter_context(Postgres(fsync=False))
        broker = parts.enter_context(Broker(["book_ingestion", "book_ingestion.dlq"]))
        url = self.postgres.create_database("books")
        # A session is one of PostgreSQL's for as long as the client's connection lasts.
        size = 4 if mode == "transaction" else 80
        self.pooler = parts.enter_context(PgBouncer(url, mode, size))
        backend = f"http://127.0.0.1:{free_port()}"
        bookapp = f"http://127.0.0.1:{free_port()}"
        env = {
            **bare_environment(os.environ),
            "DATABASE_URL": self.pooler.url,
            "KAFKA_BROKER_URL": broker.url,
            "BACKEND_URL": backend,
            "BACKEND_PORT": backend.rpartition(":")[2],
        }
        if direct:
            env["DATABASE_DIRECT_URL"] = url
        worker = ["faust", "-A", "backend.app", "worker", "-l", "info"]
        # Two processes, whose prepared statements would have the same names.
        api = ["uvicorn", "bookapp.app:app", "--workers", "2", "--port", bookapp.rpartition(":")[2]]
        self.backend = self._start(parts, "backend", worker, env, backend)
        self.bookapp = self._start(parts, "bookapp", api, env, bookapp)

    def _start(
        self, parts: ExitStack, name: str, command: list[str], env: dict[str, str], url: str
    ) -> httpx.Client:
        process: Process = start_service(
            name, command, env, ready=f"{url}/health/ready", timeout=WITHIN
        )
        parts.callback(process.stop)
        return parts.enter_context(httpx.Client(base_url=url, timeout=30, trust_env=False))


@pytest.fixture(
    params=[("transaction", False), ("session", False), ("transaction", True), ("session", True)],
    ids=lambda param: f"{param[0]}{', direct' if param[1] else ''}",
)
def pooled(request: pytest.FixtureRequest) -> Iterator[Pooled]:
    with ExitStack() as parts:
        yield Pooled(parts, *request.param)


def use(client: httpx.Client) -> list[httpx.Response]:
    book = client.post("/books/add", json=DUNE)
    path = f"/books/{book.json()}"
    return [
        book,
        client.get(path),
        client.patch(path, json={"status": "lost"}),
        client.post("/books/bulk_add", json=[DUNE] * 3, headers={"Idempotency-Key": path}),
        client.get("/books?limit=5"),
        client.delete(path),
        client.post("/books/add", json=DUNE),
    ]


def test_requests_relay_rules_and_worker_go_on_behind_a_pooler(pooled: Pooled) -> None:
    with ThreadPoolExecutor(8) as pool:
        rounds = list(pool.map(lambda _: use(pooled.bookapp), range(40)))
    answers = [answer for each in rounds for answer in each]
    assert [a.text for a in answers if a.status_code >= 400] == []

    # The relay sends, and the worker applies: nothing is given up.
    for book in (rounds[0][-1].json(), rounds[-1][-1].json()):
        wait_until(
            lambda book=book: pooled.backend.get(f"/books/{book}").status_code == 200,
            WITHIN,
            what=f"book {book}",
        )
    count = "SELECT count(*) FROM"
    assert pooled.postgres.execute(f"{count} backend.dead_letter", "books") == "0"
    wait_until(
        lambda: pooled.postgres.execute(f"{count} outbox", "books") == "0", what="an empty outbox"
    )
    assert pooled.bookapp.get("/health/ready").json() == {"status": "ready"}

    # A rule is known to every process soon, also where no announcement can come.
    for service, path in ((pooled.bookapp, "/books/{id}"), (pooled.backend, "/books/{id}")):
        rule = {"endpoint_pattern": path, "http_method": "GET", "error_rate": 1, "error_code": 418}
        service.post("/error-injection", json=rule).raise_for_status()
        time.sleep(2.5)
        assert {service.get("/books/1").status_code for _ in range(10)} == {418}

    # And so is the pooler's absence, as what it is.
    pooled.pooler.stop()
    answer = pooled.bookapp.get("/books?limit=1")
    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        "The database is away; try again.",
    )
    pooled.pooler.start()
    wait_until(lambda: pooled.bookapp.get("/health/ready").status_code == 200, WITHIN, what="ready")
    for answer in use(pooled.bookapp):
        assert answer.status_code < 500 or answer.status_code == 418


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_a_pooler_is_found_out_and_nothing_is_left_in_its_sessions(mode: Any) -> None:
    with (
        Postgres(fsync=False) as postgres,
        PgBouncer(postgres.create_database("seen"), mode) as pooler,
    ):
        through = await create_engine(pooler.url).connect(session={"work_mem": "7MB"})
        past = await create_engine(pooler.url, direct_url=postgres.url("seen")).connect(
            session={"work_mem": "7MB"}
        )
        assert (is_pooled(through), is_pooled(past)) == (True, False)
        assert await through.fetchval("SHOW work_mem") == "4MB"
        assert await past.fetchval("SHOW work_mem") == "7MB"
        left = "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''"
        assert await through.fetchval(left) == 0
        for connection in (through, past):
            await connection.close()
