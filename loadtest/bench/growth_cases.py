"""Growth: what a hundred, ten thousand and a million books cost a request; what a page of details
costs backend; and, on Apache Kafka, what sixteen partitions change.

Each size is a database and a pair of services of its own, all up at once, so that the sizes can
take turns. They leave Kafka alone: no relay, no consumer.
"""

import contextlib
import statistics
from collections.abc import Iterator, Sequence

from confluent_kafka.admin import AdminClient
from loadtest.bench import consumer_cases, relay_cases
from loadtest.bench.generator import Load, get
from loadtest.bench.measure import run_load
from loadtest.bench.parts import TOPIC, Parts, Sql
from loadtest.bench.results import Fact, Finding, Measurement
from loadtest.bench.variants import OURS, OURS_UNTRACED, Running, running

from embedded.waiting import wait_until

CONNECTIONS = 4
"""Few: a median latency under saturation would be throughput by another name."""
ALONE = {"ENABLE_KAFKA_CONSUMER": "false", "ENABLE_KAFKA_PRODUCER": "false"}
FILL = """
TRUNCATE books, outbox, backend.book;
INSERT INTO books (id, title, author, status)
SELECT id, 'The Book of ' || id, 'Ann Author ' || id %% 997, 'available'
FROM generate_series(1, %(size)d) AS id;
INSERT INTO backend.book (book_id, title, author, status, shelf_mark, author_sort, title_sort,
    sequence, removed, ingested_at, trace_id)
SELECT id, title, author, status, '.A98 B66', 'author, ann ' || id %% 997, 'book of ' || id, 1,
    false, now(), md5(id::text)
FROM books;
"""


def _start(parts: Parts, stack: contextlib.ExitStack, size: int, *, traced: bool) -> Running:
    sql: Sql = parts.database(f"books_{size}")
    sink = stack.enter_context(parts.sink()) if traced else None
    variant = OURS if traced else OURS_UNTRACED
    with running(parts, variant, sink, env=ALONE):
        pass  # the tables are there now
    sql.run(FILL % {"size": size})
    sql.run("VACUUM ANALYZE books")
    sql.run("VACUUM ANALYZE backend.book")
    return stack.enter_context(running(parts, variant, sink, env=ALONE))


def run(parts: Parts, *, seconds: float, rounds: int, quick: bool) -> Iterator[Finding]:
    """Sizes in turn, then the enrichment of one to a thousand books."""
    before = parts.environment["DATABASE_URL"]
    sizes = (100, 10_000) if quick else (100, 10_000, 1_000_000)
    with contextlib.ExitStack() as stack:
        services = {size: _start(parts, stack, size, traced=True) for size in sizes}
        p50: dict[tuple[str, int], list[float]] = {}
        for number in range(rounds + 1):
            for size, service in services.items():
                for measured in _sized(service, size, seconds, number):
                    p50.setdefault((measured.case.split(",")[0], size), []).append(
                        measured.p50_ms or 0.0
                    )
                    if number:  # the first round warms up
                        yield measured
        for name in dict.fromkeys(name for name, _ in p50):
            median = {size: statistics.median(p50[name, size][1:]) for size in sizes}
            yield Fact(
                name=f"growth: {name}, p50 at {sizes[-1]:,} books / at {sizes[0]:,}",
                value=median[sizes[-1]] / median[sizes[0]],
                unit="",
                at_most=1.3,
            )
        yield from _enrichment(services[10_000], seconds)
    parts.environment["DATABASE_URL"] = before


def _sized(service: Running, size: int, seconds: float, number: int) -> Iterator[Measurement]:
    ids = [1 + i * 7_919 % size for i in range(997)]
    requests = {
        "GET /books/{id}": [get(f"/books/{book_id}") for book_id in ids],
        "GET /books (20)": [get(f"/books?limit=20&after={min(i, size - 21)}") for i in ids],
    }
    for name, some in requests.items():
        case = f"{name}, {size:,} books"
        yield _measure(case, service.url, some, seconds, number - 1)


def _enrichment(service: Running, seconds: float) -> Iterator[Measurement]:
    for count in (1, 10, 100, 1_000):
        ids = ",".join(str(1 + i * 7 % 10_000) for i in range(count))
        case = f"backend GET /books?ids= with {count:,} id(s)"
        yield _measure(case, service.backend_url, [get(f"/books?ids={ids}")], seconds, 0)


def _measure(
    case: str, url: str, requests: Sequence[bytes], seconds: float, number: int
) -> Measurement:
    result = run_load(
        Load(url=url, connections=CONNECTIONS, requests=list(requests), seconds=seconds)
    )
    return Measurement(
        case=case,
        variant="ours",
        round=number,
        per_second=result.per_second,
        p50_ms=result.p50_ms,
        p99_ms=result.p99_ms,
        errors=result.errors,
    )


def partitions(parts: Parts, records: relay_cases.Records, size: int) -> Iterator[Finding]:
    """The relay and the consumer on a topic of sixteen partitions in the place of the four."""
    admin = AdminClient({"bootstrap.servers": parts.kafka.url})
    admin.delete_topics([TOPIC])[TOPIC].result()
    wait_until(lambda: TOPIC not in admin.list_topics(timeout=5).topics, 30, what="its deletion")
    parts.create_topic(TOPIC, 16)
    name = f"a backlog of {size:,}, 16 partitions"
    for finding in relay_cases.relay(parts, records, size, name, waiting=True):
        if not isinstance(finding, Fact):
            yield finding
    yield from consumer_cases.consume(parts, consumer_cases.OURS, 1, "1 worker(s), 16 partitions")
