"""The HTTP cases: each variant in turn, round after round, on the same servers.

A variant is started once a round and serves every case in it, so that a round compares all with
all; what its requests must leave behind in spans is counted when it has stopped.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from loadtest.bench.generator import Load, get, post
from loadtest.bench.measure import Usage, run_load
from loadtest.bench.parts import PEER_TOPIC, Parts, Sink
from loadtest.bench.results import Fact, Finding, Measurement, Spans
from loadtest.bench.variants import FASTAPI, OURS, OURS_UNTRACED, Running, Variant, running

from embedded.waiting import wait_until

BOOKS = 10_000
"""Books there are before the first case."""
WARM = 1.0
"""Seconds of load before each measurement."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request; `span` is the server span that each must leave behind."""

    name: str
    requests: list[bytes]
    span: str
    peers_too: bool = True


def cases() -> list[Case]:
    """The four kinds of request that the goals speak of; those that write come last."""
    book = json.dumps({"title": "The Left Hand of Darkness", "author": "Ursula K. Le Guin"})
    bulk = f"[{','.join([book] * 100)}]".encode()
    by_id = [get(f"/books/{1 + i * 37 % BOOKS}") for i in range(997)]
    pages = [get(f"/books?limit=100&after={i * 100 % (BOOKS - 100)}") for i in range(97)]
    add = post("/books/add", book.encode())
    return [
        Case(name="GET /books/{id}", requests=by_id, span="GET /books/{id}"),
        Case(name="GET /books (100)", requests=pages, span="GET /books"),
        Case(name="POST /books/add", requests=[add], span="POST /books/add"),
        Case(
            name="POST /books/bulk_add (100)",
            requests=[post("/books/bulk_add", bulk)],
            span="POST /books/bulk_add",
            peers_too=False,
        ),
    ]


def measure(
    case: Case, variant: Variant, service: Running, shape: str, connections: int, seconds: float
) -> tuple[Measurement, int]:
    """Warm up, then drive a running variant for `seconds`; also how many answers there were."""
    warm = Load(url=service.url, connections=connections, requests=case.requests, seconds=WARM)
    before = run_load(warm)
    usage = Usage(service.pids)
    result = run_load(msgspec.structs.replace(warm, seconds=seconds))
    measured = Measurement(
        case=f"{case.name}, {shape}",
        variant=variant.name,
        round=0,
        per_second=result.per_second,
        p50_ms=result.p50_ms,
        p99_ms=result.p99_ms,
        errors=before.errors + result.errors,
        cpu_us={**usage.per(result.answers), "generator": result.cpu_us},
        memory_mb=usage.memory(),
    )
    return measured, before.answers + result.answers


def caught_up(parts: Parts) -> bool:
    """Whether all that was added is sent, and in the read model."""
    waiting = parts.sql.value("SELECT count(*) FROM (SELECT FROM outbox LIMIT 1) AS one")
    missing = parts.sql.value(
        "SELECT (SELECT count(*) FROM books) - (SELECT count(*) FROM backend.book)"
    )
    return bool(waiting == 0 and missing <= 0)


def session(
    parts: Parts, variant: Variant, workers: int, connections: Sequence[int], seconds: float
) -> Iterator[Finding]:
    """All cases on one start of a variant."""
    if not variant.traced:
        yield from _session(parts, variant, None, workers, connections, seconds, Counter())
        return
    answers: Counter[str] = Counter()
    with parts.sink() as sink:
        yield from _session(parts, variant, sink, workers, connections, seconds, answers)
        received = sink.spans()
        if variant == OURS:
            size = sink.received.stat().st_size / max(received.total(), 1)
            yield Fact(name="a span on its way to the Collector", value=size, unit="bytes")
    for span, expected in answers.items():
        # The peer's own way to write the same template.
        name = span.replace("{id}", "{book_id}") if variant.peer else span
        yield Spans(
            variant=f"{variant.name}, {workers} worker(s)",
            span=f"{variant.service}: {name}",
            expected=expected,
            received=received[f"{variant.service}/server/{name}"],
        )
    if not variant.peer:
        added = answers["POST /books/add"] + 100 * answers["POST /books/bulk_add"]
        for service, kind, name in (
            ("bookapp", "producer", "send book_ingestion"),
            ("backend", "consumer", "process book_ingestion"),
        ):
            yield Spans(
                variant=f"{variant.name}, {workers} worker(s)",
                span=f"{service}: {name}",
                expected=added,
                received=received[f"{service}/{kind}/{name}"],
            )


def _session(
    parts: Parts,
    variant: Variant,
    sink: Sink | None,
    workers: int,
    connections: Sequence[int],
    seconds: float,
    answers: Counter[str],
) -> Iterator[Finding]:
    with running(parts, variant, sink, workers=workers) as service:
        for case, count in itertools.product(cases(), connections):
            if not case.peers_too and (variant.peer or count != connections[-1]):
                continue  # of bulk adds one shape: each second of them is a minute of records
            shape = f"{workers} worker(s), {count} connections"
            measured, answered = measure(case, variant, service, shape, count, seconds)
            answers[case.span] += answered
            yield measured
        if not variant.peer:
            wait_until(lambda: caught_up(parts), 300, interval=0.5, what="all records' effect")


def fill(parts: Parts) -> None:
    """Books to read: in ours through the API, and ingested; as many in the peer's table."""
    bulk = next(case for case in cases() if "bulk" in case.name)
    with running(parts, OURS_UNTRACED, None) as service:
        run_load(Load(url=service.url, connections=2, requests=bulk.requests, count=BOOKS // 100))
        wait_until(lambda: caught_up(parts), 120, interval=0.5, what="the books' ingestion")


def fill_peer(parts: Parts) -> None:
    """As many books in the peer's table, which it makes at its start; and its topic."""
    parts.create_topic(PEER_TOPIC, 4)
    with running(parts, FASTAPI, None):
        parts.sql.run(
            "INSERT INTO peer_book (title, author, status)"
            f" SELECT title, author, status FROM books ORDER BY id LIMIT {BOOKS}"
        )


def run(
    parts: Parts, variants: Sequence[Variant], *, seconds: float, rounds: int, quick: bool
) -> Iterator[Finding]:
    """Every case, with its variants taking turns in each round; after ``fill``."""
    if any(variant.peer for variant in variants):
        fill_peer(parts)
    for number, workers in itertools.product(range(rounds), (1,) if quick else (1, 2)):
        for variant in variants:
            for finding in session(parts, variant, workers, (32,) if quick else (8, 32), seconds):
                if isinstance(finding, Measurement):
                    finding = msgspec.structs.replace(finding, round=number)
                yield finding
