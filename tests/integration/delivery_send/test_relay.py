"""What is in the outbox gets to Kafka, whichever of the processes around it come and go."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from aiokafka.errors import ProducerClosed
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import Engine
from delivery.sending import pump
from delivery.sending.outbox import Outbox
from delivery.sending.publisher import Publisher
from delivery.sending.queue import Row
from delivery.topics import BytesSchema, TopicDescription, json_topic
from embedded.broker import Broker
from embedded.waiting import poll_until
from telemetry.kafka import send


def described(topic: str) -> TopicDescription[bytes | None]:
    return TopicDescription(name=topic, schema=BytesSchema())


def drained(sql: asyncpg.Connection) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await sql.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)")

    return check


async def test_what_was_committed_is_sent_and_its_row_removed(
    make_relay, broker_url, add, sql, read_topic
) -> None:
    await make_relay(broker_url).start()
    await add((b"1", b"one"), (b"2", b"two"))
    await poll_until(drained(sql))
    assert {(r.key, r.value) for r in await read_topic(2)} == {(b"1", b"one"), (b"2", b"two")}


async def test_records_of_a_key_arrive_in_order(
    make_relay, broker_url, engine, topic, sql, read_topic
) -> None:
    async with engine.transaction():
        await Outbox(engine).add_many(
            json_topic(topic, int, key=lambda number: number % 7), range(3000)
        )
    await make_relay(broker_url).start()
    await poll_until(drained(sql))
    records = await read_topic(3000)
    assert len(records) == 3000
    for key in {r.key for r in records}:
        values = [int(r.value) for r in records if r.key == key]
        assert values == sorted(values)


async def test_the_send_span_is_a_child_of_the_request_however_late(
    make_relay, broker_url, engine, topic, sql, read_topic, monkeypatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    monkeypatch.setattr(send, "_tracer", tracer)
    with tracer.start_as_current_span("request") as request:
        async with engine.transaction():
            await Outbox(engine).add(described(topic), b"v", key=b"k")
    await make_relay(broker_url).start()
    await poll_until(drained(sql))
    (sent,) = (s for s in exporter.get_finished_spans() if s.name == f"send {topic}")
    assert sent.kind is SpanKind.PRODUCER
    assert sent.parent.span_id == request.get_span_context().span_id
    assert sent.context.trace_id == request.get_span_context().trace_id
    (record,) = await read_topic(1)
    trace_id, span_id = sent.context.trace_id, sent.context.span_id
    ((name, traceparent),) = record.headers  # flags may say more than "sampled"
    assert name == "traceparent"
    assert traceparent.decode().startswith(f"00-{trace_id:032x}-{span_id:016x}-0")


async def test_a_commit_wakes_the_relay_without_a_poll(
    make_relay, broker_url, engine, topic, sql, monkeypatch
) -> None:
    monkeypatch.setattr(pump, "POLL", 60.0)
    active, standby = make_relay(broker_url), make_relay(broker_url)
    await active.start()
    await poll_until(lambda: active._pump is not None and active._pump.sending)
    await standby.start()
    await poll_until(lambda: standby.status.state == "standby")
    await asyncio.sleep(0.1)  # the first look at the outbox is over, the next is a minute away
    for waker in (active, standby):  # directly, and by a notification
        outbox = Outbox(engine, waker.wake)
        async with engine.transaction():
            await outbox.add(described(topic), b"v", key=b"k")
        outbox.committed()
        await poll_until(drained(sql), 5)


async def test_commits_are_found_without_any_word(make_relay, broker_url, add, sql) -> None:
    running = make_relay(broker_url)
    await running.start()
    await poll_until(lambda: running._pump is not None and running._pump.sending)
    await add((b"k", b"v"))
    await poll_until(drained(sql), 3)


async def test_started_inside_a_request_it_inherits_neither_span_nor_transaction(
    make_relay, broker_url, engine
) -> None:
    seen: list[tuple[object, bool]] = []

    class Context(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            span = trace.get_current_span().get_span_context()
            seen.append((engine.current_transaction.get(), span.is_valid))

    logger, handler = logging.getLogger("delivery.sending.relay"), Context()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    request = trace.NonRecordingSpan(trace.SpanContext(1, 1, False))
    starting = make_relay(broker_url)
    with trace.use_span(request):
        async with engine.transaction():
            await starting.start()
            await poll_until(lambda: seen)
    logger.removeHandler(handler)
    assert set(seen) == {(None, False)}


async def test_without_kafka_it_waits_says_so_and_catches_up(
    make_relay, add, sql, read_topic
) -> None:
    with Broker() as own:
        own.pause()
        waiting = make_relay(own.url)
        await waiting.start()
        await add((b"k", b"v"))
        await poll_until(lambda: waiting.status.state == "waiting for Kafka")
        assert waiting.status.reason
        own.resume()
        await poll_until(drained(sql), 30)
        assert waiting.status.state == "active"
        assert len(await read_topic(1, url=own.url)) == 1


async def test_after_a_restart_of_postgresql_it_goes_on(
    make_relay, broker_url, add, engine, sql, read_topic, postgres_server, postgres_url
) -> None:
    running = make_relay(broker_url)
    await running.start()
    await add((b"k", b"before"))
    await poll_until(drained(sql))
    postgres_server.stop()
    try:
        await poll_until(lambda: running.status.state == "waiting for PostgreSQL")
    finally:
        postgres_server.start()
    await add((b"k", b"after"))
    again = await asyncpg.connect(postgres_url)
    await poll_until(drained(again))
    again.terminate()
    assert [r.value for r in await read_topic(2)] == [b"before", b"after"]


async def test_what_the_producer_still_holds_is_not_sent_once_the_lease_is_gone(
    broker_url, topic, read_topic
) -> None:
    """A stopped process wakes up with full buffers; another has sent what is newer by then."""
    allowed = True
    app = create_app("sender", KafkaSettings(kafka_broker_url=broker_url), producer_only=True)
    publisher = Publisher(app, lambda: allowed)
    await publisher.open()
    sent = await publisher.send(Row(1, topic, b"k", b"before", None), [])
    assert (await sent).offset == 0
    held = await publisher.send(Row(2, topic, b"k", b"after", None), [])
    allowed = False  # before the producer's own task had its turn
    with pytest.raises(ProducerClosed):
        await held
    await publisher.abandon()
    assert [record.value for record in await read_topic(1)] == [b"before"]


async def test_a_clean_stop_hands_over_at_once(make_relay, broker_url) -> None:
    first, second = make_relay(broker_url), make_relay(broker_url)
    await first.start()
    await poll_until(lambda: first.status.state == "active")
    await second.start()
    await poll_until(lambda: second.status.state == "standby")
    await first.stop()
    # Without being told it would wait until the lease has expired, for 6 s.
    await poll_until(lambda: second.status.state == "active", 3)


async def test_a_stop_is_bounded_while_kafka_is_silent(make_relay, add, sql, monkeypatch) -> None:
    with Broker() as own:
        stopping = make_relay(own.url)
        await stopping.start()
        await add((b"k", b"v"))
        await poll_until(drained(sql))
        own.pause()
        await add((b"k", b"w"))
        await poll_until(lambda: stopping._pump._unanswered)
        started = time.monotonic()
        await stopping.stop(1.0)
        assert time.monotonic() - started < 3
        own.resume()
    assert not await drained(sql)(), "the row outlives the stop"
    assert await sql.fetchval("SELECT expires_at < now() FROM relay_lease"), "the lease is free"


# What follows needs processes that can be killed.

Spawn = Callable[[], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the processes write their logs."""
    return tmp_path / "log"


@pytest.fixture
async def spawn(
    engine: Engine, postgres_url: str, broker_url: str, log: Path
) -> AsyncIterator[Spawn]:
    """Starts a process with a relay in it; its output is its states."""
    children: list[asyncio.subprocess.Process] = []
    written = log.open("ab")

    async def spawn() -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("relay_process.py")),
            postgres_url,
            broker_url,
            stdout=asyncio.subprocess.PIPE,
            stderr=written,
        )
        children.append(child)
        return child

    yield spawn
    written.close()
    for child in children:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def until(child: asyncio.subprocess.Process, state: str) -> None:
    async with asyncio.timeout(60):
        while (await child.stdout.readline()).decode().strip() != state:
            assert child.returncode is None


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
async def test_another_takes_over_within_10_s(
    end: signal.Signals, spawn, make_relay, broker_url, add, sql, read_topic
) -> None:
    holder = await spawn()
    await until(holder, "active")
    other = make_relay(broker_url)
    await other.start()
    await poll_until(lambda: other.status.state == "standby")
    holder.send_signal(end)
    await add((b"k", b"v"))
    await poll_until(drained(sql), 10)
    assert other.status.state == "active"
    if end is signal.SIGSTOP:
        holder.send_signal(signal.SIGCONT)
        await until(holder, "standby")
        await add((b"k", b"w"))
        await poll_until(drained(sql), 5)
        assert [r.value for r in await read_topic(2)] == [b"v", b"w"]


async def test_a_process_that_stood_still_says_so_and_blames_nobody(
    spawn, add, sql, read_topic, log
) -> None:
    holder = await spawn()
    await until(holder, "active")
    holder.send_signal(signal.SIGSTOP)
    await add((b"k", b"v"))

    async def expired() -> bool:
        since = "SELECT now() - expires_at > interval '6 s' FROM relay_lease"
        return bool(await sql.fetchval(since))

    await poll_until(expired, 30)
    assert "stood still" not in log.read_text()
    holder.send_signal(signal.SIGCONT)
    await until(holder, "active")
    await poll_until(drained(sql), 10)
    said = log.read_text()
    assert said.count("this process stood still for 1") == 1, said  # some 10 s
    assert "PostgreSQL" not in said
    assert "sending failed" not in said


async def test_killed_at_any_moment_nothing_is_lost(
    spawn, engine, topic, sql, read_topic, monkeypatch
) -> None:
    total = 20_000
    async with engine.transaction():
        keyed = json_topic(topic, int, key=lambda number: number % 50)
        await Outbox(engine).add_many(keyed, range(total))
    for moment in (0.05, 0.2, 0.4):
        child = await spawn()
        await until(child, "active")
        await asyncio.sleep(moment)
        child.kill()
        await child.wait()
        await sql.execute("UPDATE relay_lease SET expires_at = '-infinity'")  # save the test 6 s
    assert await sql.fetchval("SELECT count(*) FROM outbox") > 0, "killed too late to tell"
    await spawn()
    await poll_until(drained(sql), 30)
    records = await read_topic(total)
    assert {int(r.value) for r in records} == set(range(total))
