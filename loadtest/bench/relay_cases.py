"""The relay: records a second from the outbox to Kafka, with their send spans.

It sends rows written straight into its outbox, each with the trace context of a request of its own.
What it has sent is then what the consumers read (`consumer_cases`).
"""

from collections.abc import Iterator

from loadtest.bench.measure import Progress
from loadtest.bench.parts import Parts
from loadtest.bench.results import Fact, Finding, Measurement, Spans
from loadtest.bench.variants import OURS, running

from embedded.waiting import wait_until

FILL_OUTBOX = """
INSERT INTO outbox (topic, key, value, trace_context, created_at)
SELECT 'book_ingestion', convert_to(id::text, 'UTF8'),
    convert_to(json_build_object('type', 'added', 'event_id', gen_random_uuid(), 'sequence', 1,
        'occurred_at', '2026-01-01T00:00:00Z', 'book', json_build_object('id', id,
            'title', 'The Book of ' || id, 'author', 'Ann Author ' || id %% 997,
            'status', 'available'))::text, 'UTF8'),
    jsonb_build_object('traceparent', '00-' || md5(id::text) || '-' || left(md5('s' || id), 16)
        || '-01'), now()
FROM generate_series(%d, %d) AS id
"""
FIRST_ID = 10_000_000
"""Above every id that bookapp has given: these books exist in the outbox and the topic alone."""


class Records:
    """The records written so far, so that none is written twice."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, parts: Parts, count: int) -> None:
        """Put `count` records into the outbox."""
        first = FIRST_ID + self.count
        parts.sql.run(FILL_OUTBOX % (first, first + count - 1))
        self.count += count


def relay(
    parts: Parts, records: Records, backlog: int, name: str, *, waiting: bool, number: int = 0
) -> Iterator[Finding]:
    """Send `backlog` records: those that wait at the start, or those that come to an idle relay."""
    if waiting:
        records.write(parts, backlog)
    with parts.sink() as sink:
        with running(parts, OURS, sink, backend=False) as service:
            if not waiting:
                records.write(parts, backlog)
            sent = Progress(
                lambda: backlog - parts.sql.value("SELECT count(*) FROM outbox"),
                backlog,
                service.pids,
            )
            sizes = [held["bookapp"] for held in sent.memory]
            wait_until(lambda: parts.sql.value("SELECT count(*) FROM outbox") == 0, 60)
        received = sink.spans()["bookapp/producer/send book_ingestion"]
    yield Measurement(
        case=f"relay, {name}",
        variant="ours",
        round=number,
        unit="records",
        per_second=sent.per_second,
        cpu_us=sent.cpu_us,
        memory_mb={"bookapp": max(sizes)},
    )
    yield Spans(
        variant="ours", span="bookapp: send book_ingestion", expected=backlog, received=received
    )
    yield Fact(name=f"relay, {name}", value=sent.per_second, unit="records/s", at_least=6_000)
    if waiting:
        quarter = max(len(sizes) // 4, 1)
        growth = max(sizes[-quarter:]) / max(sizes[:quarter])
        yield Fact(
            name=f"relay, {name}: memory in the last quarter / in the first",
            value=growth,
            unit="",
            at_most=1.1,
        )


def run(parts: Parts, records: Records, *, rounds: int, quick: bool) -> Iterator[Finding]:
    """An idle relay, and one with a backlog."""
    size = 20_000 if quick else 100_000
    with running(parts, OURS, None):
        pass  # the tables are there now
    for number in range(rounds):
        few = size // 5
        yield from relay(
            parts, records, few, f"{few:,} to an idle one", waiting=False, number=number
        )
        yield from relay(
            parts, records, size, f"a backlog of {size:,}", waiting=True, number=number
        )
