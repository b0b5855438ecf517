"""The HTTP cases: each variant in turn, round after round, on the same servers.

A variant is bookapp (untraced, stock wiring, ours) or the FastAPI peer (untraced, traced), with
one or two uvicorn workers. backend runs beside bookapp, because a list needs its details and an
add its consumer; the peer gets the machine to itself, and its adds wait for Kafka.
"""

import contextlib
import itertools
import json
from collections.abc import Iterator

import msgspec
from loadtest.bench.generator import Load, get, post
from loadtest.bench.measure import Measurement, Usage, run_load
from loadtest.bench.parts import Parts, Sink

from embedded.ports import free_port
from embedded.waiting import wait_until

BOOKS = 10_000
"""Books there are before the first case."""


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One way to serve the same routes. `stock` and `traced` say how it is observed."""

    name: str
    app: str
    traced: bool = True
    stock: bool = False
    workers: int = 1

    @property
    def peer(self) -> bool:
        """Whether it is somebody else's stack."""
        return "peers" in self.app


OURS = "bookapp.app:app"
STOCK = "loadtest.bench.stock:app"
PEER = "loadtest.bench.peers.fastapi_books:app"


def variants(workers: int) -> list[Variant]:
    """All variants with this many workers, in the order they take turns."""
    return [
        Variant(name="ours, untraced", app=OURS, traced=False, workers=workers),
        Variant(name="ours, stock wiring", app=STOCK, stock=True, workers=workers),
        Variant(name="ours", app=OURS, workers=workers),
        Variant(name="FastAPI, untraced", app=PEER, traced=False, workers=workers),
        Variant(name="FastAPI", app=PEER, workers=workers),
    ]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request; `span` is the server span that each must leave behind."""

    name: str
    requests: list[bytes]
    span: str
    peers_too: bool = True


def cases() -> list[Case]:
    """The four kinds of request that the goals speak of."""
    book = json.dumps({"title": "The Left Hand of Darkness", "author": "Ursula K. Le Guin"})
    bulk = f"[{','.join([book] * 100)}]".encode()
    by_id = [get(f"/books/{1 + i * 37 % BOOKS}") for i in range(997)]
    pages = [get(f"/books?limit=100&after={i * 100 % (BOOKS - 100)}") for i in range(97)]
    return [
        Case(name="GET /books/{id}", requests=by_id, span="GET /books/{id}"),
        Case(name="GET /books (100)", requests=pages, span="GET /books"),
        Case(
            name="POST /books/add",
            requests=[post("/books/add", book.encode())],
            span="POST /books/add",
        ),
        Case(
            name="POST /books/bulk_add (100)",
            requests=[post("/books/bulk_add", bulk)],
            span="POST /books/bulk_add",
            peers_too=False,
        ),
    ]


class Running:
    """A variant that serves, and the process trees that its requests keep busy."""

    def __init__(self, url: str, pids: dict[str, int]) -> None:
        self.url = url
        self.pids = pids


@contextlib.contextmanager
def running(
    parts: Parts, variant: Variant, sink: Sink | None, *, backend: bool = True
) -> Iterator[Running]:
    """Start a variant, and backend beside it when it is ours."""
    observed = sink.environment if sink else {"OTEL_SDK_DISABLED": "true"}
    if variant.peer and sink is None:
        observed = {}
    if variant.stock:
        observed = {**observed, "TELEMETRY_HTTP": "stock"}
    port, backend_port = free_port(), free_port()
    backend_url, url = f"http://127.0.0.1:{backend_port}", f"http://127.0.0.1:{port}"
    pids = {"PostgreSQL": parts.postgres.process.pid, "Kafka": parts.kafka_pid}
    if sink:
        pids["sink"] = sink.process.pid
    with contextlib.ExitStack() as stack:
        if backend and not variant.peer:
            worker = stack.enter_context(
                parts.program(
                    "backend",
                    ["faust", "-A", "backend.app", "worker"],
                    {**observed, "BACKEND_PORT": str(backend_port)},
                    f"{backend_url}/health/ready",
                )
            )
            pids["backend"] = worker.pid
        command = ["uvicorn", variant.app, "--port", str(port), "--workers", str(variant.workers)]
        server = stack.enter_context(
            parts.program(
                variant.name,
                [*command, "--no-access-log"],
                {**observed, "BACKEND_URL": backend_url},
                f"{url}/books?limit=1",
            )
        )
        pids["server"] = server.pid
        yield Running(url, pids)


def measure(
    parts: Parts, case: Case, variant: Variant, connections: int, seconds: float
) -> Measurement:
    """Start a variant, warm it up, drive it for `seconds`, stop it, count its spans."""
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(parts.sink()) if variant.traced else None
        with running(parts, variant, sink) as service:
            warm = Load(
                url=service.url, connections=connections, requests=case.requests, seconds=1.5
            )
            before = run_load(warm)
            usage = Usage(service.pids)
            result = run_load(msgspec.structs.replace(warm, seconds=seconds))
            cpu, memory = usage.per(result.answers), usage.memory()
        received = sink.spans(f"/{case.span}") if sink else None
    ours = case.span.replace("{id}", "{book_id}")
    if sink and variant.peer and case.span != ours:
        received = sink.spans(f"/{ours}")
    return Measurement(
        case=f"{case.name}, {variant.workers} worker(s), {connections} connections",
        variant=variant.name,
        per_second=result.per_second,
        p50_ms=result.p50_ms,
        p99_ms=result.p99_ms,
        errors=result.errors,
        cpu_us=cpu,
        memory_mb=memory,
        spans_expected=before.answers + result.answers if sink else None,
        spans_received=received,
    )


def fill(parts: Parts) -> None:
    """Books to read: in ours through the API, and ingested; as many in the peer's table."""
    ours = next(v for v in variants(1) if v.name == "ours, untraced")
    bulk = next(case for case in cases() if "bulk" in case.name)
    with running(parts, ours, None) as service:
        run_load(Load(url=service.url, connections=2, requests=bulk.requests, count=BOOKS // 100))
        wait_until(
            lambda: (
                int(parts.postgres.execute("SELECT count(*) FROM backend.book", "bench")) >= BOOKS
            ),
            120,
            what="the books' ingestion",
        )
    peer = next(v for v in variants(1) if v.name == "FastAPI, untraced")
    with running(parts, peer, None):
        parts.postgres.execute(
            "INSERT INTO peer_book (title, author, status)"
            f" SELECT title, author, status FROM books ORDER BY id LIMIT {BOOKS}",
            "bench",
        )


def run(parts: Parts, *, seconds: float, rounds: int, quick: bool) -> Iterator[Measurement]:
    """Every case, with its variants taking turns in each round."""
    fill(parts)
    shapes = [(1, 32)] if quick else list(itertools.product((1, 2), (8, 32)))
    for case, (workers, connections) in itertools.product(cases(), shapes):
        taking_turns = [v for v in variants(workers) if case.peers_too or not v.peer]
        for _ in range(rounds):
            for variant in taking_turns:
                yield measure(parts, case, variant, connections, seconds)
