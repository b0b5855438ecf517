"""What is promised of an agent (``delivery.receiving.agent.Agent``), in real workers on a real
Kafka: what is current in the body, and when an offset may be committed."""

import re
from typing import Any

import pytest

from embedded.processes import Process
from embedded.waiting import wait_until

CAUSE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def said(worker: Process, line: str) -> int:
    return worker.lines.count(line)


def wait_for(worker: Process, line: str, count: int = 1) -> None:
    wait_until(lambda: said(worker, line) >= count, 60, what=f"{count} x {line}")


def test_a_records_span_is_current_in_the_body_and_a_batchs_is_linked_to_each_records(
    program: Any,
) -> None:
    worker = program.agents(
        """
        from opentelemetry.sdk.trace import SpanProcessor
        from opentelemetry.trace import get_current_span

        def described(span):
            context = span.get_span_context()
            links = [f"{link.context.span_id:016x}" for link in span.links]
            return f"{context.span_id:016x} {span.name} {links}"

        class Printed(SpanProcessor):
            def on_end(self, span):
                print("ended", described(span))

        trace.get_tracer_provider().add_span_processor(Printed())

        @app.agent(topic)
        async def each(records):
            async for record in records:
                await asyncio.sleep(0)
                print("in the body", described(get_current_span()))

        several = app.topic(name + "-several", value_type=int, partitions=1)

        @app.agent(several)
        async def taken(records):
            async for batch in records.take(3, within=20):
                print("batch", len(batch), described(get_current_span()))
        """
    )
    program.send(b"1", headers=[("traceparent", CAUSE.encode())])
    several = f"{program.name}-several"
    program.send(b"1", b"2", b"3", to=several)
    cause = CAUSE[36:52]
    process = rf"[0-9a-f]{{16}} process {program.name} \['{cause}'\]"
    wait_until(
        lambda: (
            any(re.fullmatch(f"ended {process}", line) for line in worker.lines)
            and sum(f"process {several} []" in line for line in worker.lines) == 3
            and any(f"process {several} batch" in line for line in worker.lines)
        ),
        60,
        what="the spans",
    )
    (body,) = [line for line in worker.lines if line.startswith("in the body ")]
    assert re.fullmatch(f"in the body {process}", body)
    assert said(worker, body.replace("in the body", "ended")) == 1
    (batch,) = [line for line in worker.lines if line.startswith("batch 3 ")]
    ended = [line.split()[1] for line in worker.lines if line.endswith(f"process {several} []")]
    assert batch.endswith(f"process {several} batch {ended}")
    assert said(worker, batch.replace("batch 3", "ended", 1)) == 1


@pytest.mark.row("`@app.agent(topic)`")
def test_a_commit_waits_for_the_slowest_of_several_agents_on_a_topic(program: Any) -> None:
    worker = program.agents(
        """
        @app.agent(topic, name="quick")
        async def quick(records):
            async for record in records:
                print("quick", record)

        @app.agent(topic, name="slow")
        async def slow(records):
            async for record in records:
                print("slow", record)
                while record == 2 and not Path(__file__).with_name("go").exists():
                    await asyncio.sleep(0.05)
        """
    )
    program.send(b"1", b"2", b"3")
    wait_for(worker, "quick 3")
    wait_for(worker, "slow 2")
    wait_until(lambda: program.committed() == 1, 60, what="the commit of what both have done")
    assert said(worker, "slow 3") == 0
    (program.directory / "go").touch()
    wait_until(lambda: program.committed() == 3, 60, what="the commit of all")


@pytest.mark.row("sinks and `yield`")
def test_a_sink_that_raises_gets_the_result_again_and_the_record_is_not_done_before(
    program: Any,
) -> None:
    """Also of a body that goes on when its ``yield`` is closed."""
    worker = program.agents(
        """
        given = []

        async def sink(result):
            given.append(result)
            print("sink", result, len(given))
            if len(given) < 3:
                raise ConnectionError("away")

        @app.agent(topic, sink=[sink])
        async def stubborn(records):
            async for record in records:
                try:
                    yield record
                except GeneratorExit:
                    print("goes on")
        """
    )
    program.send(b"1", b"2")
    wait_until(lambda: program.committed() == 2, 60, what="the commit")
    said_by_sink = [line for line in worker.lines if line.startswith("sink ")]
    assert said_by_sink == ["sink 1 1", "sink 1 2", "sink 1 3", "sink 2 4"]
    assert said(worker, "goes on") == 2


@pytest.mark.parametrize("way", ["return", "break"])
@pytest.mark.row("a body that raises")
def test_a_body_that_ends_with_a_record_in_hand_gets_it_again(program: Any, way: str) -> None:
    worker = program.agents(
        f"""
        seen = []

        @app.agent(topic)
        async def ends(records):
            async for record in records:
                seen.append(record)
                print("seen", record)
                if seen.count(2) == 1:
                    {way}
        """
    )
    program.send(b"1", b"2", b"3")
    wait_until(lambda: program.committed() == 3, 60, what="the commit")
    assert [said(worker, f"seen {n}") for n in (1, 2, 3)] == [1, 2, 1]
    worker.wait_for_line("only coming back for the next one says that it is done", 10)


def test_a_body_that_swallows_its_cancellation_commits_nothing_by_it(program: Any) -> None:
    worker = program.agents(
        """
        @app.agent(topic)
        async def deaf(records):
            async for record in records:
                print("in hand", record)
                if not Path(__file__).with_name("go").exists():
                    try:
                        await asyncio.sleep(600)
                    except asyncio.CancelledError:
                        print("swallowed")
        """
    )
    program.send(b"1", b"2")
    wait_for(worker, "in hand 1")
    assert worker.stop(40) == 0
    assert said(worker, "swallowed") == 1
    assert said(worker, "in hand 2") == 0
    assert program.committed() < 1
    (program.directory / "go").touch()
    again = program.worker()
    wait_for(again, "in hand 2")
    assert said(again, "in hand 1") == 1


@pytest.mark.row("a body that raises")
def test_a_batch_that_keeps_failing_is_taken_one_by_one_and_what_fails_alone_is_a_dead_letter(
    program: Any,
) -> None:
    worker = program.agents(
        """
        from delivery.receiving import RetryPolicy

        @app.agent(topic, policy=RetryPolicy(attempts=2, first_pause=0.01))
        async def batches(records):
            async for batch in records.take(3, within=20):
                print("batch", batch)
                if 2 in batch:
                    raise ValueError("not with this one")
        """
    )
    program.send(b"1", b"2", b"3")
    wait_until(lambda: program.committed() == 3, 60, what="the commit")
    tried = [line for line in worker.lines if line.startswith("batch ")]
    assert tried == [*["batch [1, 2, 3]"] * 2, "batch [1]", *["batch [2]"] * 2, "batch [3]"]
    (letter,) = program.records(f"{program.name}.dlq", 1)
    assert (letter.key(), letter.value()) == (b"k", b"2")


@pytest.mark.row("`app.sensors`")
def test_an_agent_on_several_topics_reads_them_all_and_a_users_sensor_is_told_of_each(
    program: Any,
) -> None:
    worker = program.agents(
        """
        from faust.sensors import Sensor

        class Mine(Sensor):
            def on_message_in(self, tp, offset, message):
                print("message in", tp.topic, offset)

            def on_stream_event_in(self, tp, offset, stream, event):
                print("event in", event.value)
                return {"state": event.value}

            def on_stream_event_out(self, tp, offset, stream, event, state=None):
                print("event out", event.value, state)

            def on_message_out(self, tp, offset, message):
                print("message out", tp.topic, offset)

        app.sensors.add(Mine())

        both = app.topic(name, name + "-b", value_type=int, partitions=1)

        @app.agent(both)
        async def reads(records):
            async for event in records.events():
                print("read", event.message.topic, event.value)
        """
    )
    other = f"{program.name}-b"
    program.send(b"1")
    program.send(b"2", b"not a number", to=other)
    for line in (
        f"read {program.name} 1",
        f"read {other} 2",
        f"message in {other} 0",
        "event in 2",
        "event out 2 {'state': 2}",
        f"message out {other} 0",
        f"message out {program.name} 0",
    ):
        wait_for(worker, line)
    (letter,) = program.records(f"{other}.dlq", 1)
    assert letter.value() == b"not a number"


@pytest.mark.row("`topic.send`")
def test_cast_and_send_of_an_agent_carry_the_traceparent_of_their_own_span(program: Any) -> None:
    worker = program.agents(
        """
        from opentelemetry.sdk.trace import SpanProcessor

        class Printed(SpanProcessor):
            def on_end(self, span):
                if span.name.startswith("send "):
                    print(f"sent by {span.context.span_id:016x} below {span.parent.span_id:016x}")

        trace.get_tracer_provider().add_span_processor(Printed())

        @app.agent(topic)
        async def reads(records):
            async for record in records:
                print("read", record)

        @app.task
        async def send():
            with tracer.start_as_current_span("cause") as span:
                print(f"cause {span.get_span_context().span_id:016x}")
                await reads.cast(1, key=b"k")
                await (await reads.send(value=2, key=b"k"))
        """
    )
    wait_for(worker, "read 1")
    wait_for(worker, "read 2")
    records = program.records(program.name, 2)
    assert [record.value() for record in records] == [b"1", b"2"]
    (cause,) = [line.split()[1] for line in worker.lines if line.startswith("cause ")]
    for record in records:
        parent = dict(record.headers())["traceparent"].decode()[36:52]
        wait_for(worker, f"sent by {parent} below {cause}")
