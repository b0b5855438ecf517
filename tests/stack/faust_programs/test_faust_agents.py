"""Agents as in Faust's guide, in real workers on a real Kafka: the agents' rows of the table in
docs/lift-it.md."""

from typing import Any

import pytest

from embedded.processes import Process
from embedded.waiting import wait_until


def said(worker: Process, line: str) -> int:
    return worker.lines.count(line)


@pytest.mark.row("`@app.agent(topic)`")
@pytest.mark.row("`async for`, `.events()`")
@pytest.mark.row("signals `on_partitions_assigned`")
@pytest.mark.row("`app.sensors`")
def test_a_streams_words_signals_and_sensors_of_several_agents_on_one_topic(program: Any) -> None:
    worker = program.agents(
        """
@app.agent(topic, name="values", isolated_partitions=True, concurrency=1)
async def values(records):
    async for record in records:
        print("value", record)

@app.agent(topic, name="events")
async def events(records):
    async for event in records.events():
        same = faust.current_event() is event
        print("event", event.key, event.value, event.message.offset, same)

@app.agent(topic, name="items")
async def items(records):
    async for key, record in records.items():
        print("item", key, record)

@app.agent(topic, name="taken")
async def taken(records):
    async for batch in records.filter(lambda n: n != 2).take(3, within=5):
        print("taken", batch)

@app.agent(topic, name="processed")
async def processed(records):
    async def twice(record):
        return record * 2

    records.add_processor(twice)
    async for record in records:
        print("processed", record)

@app.agent(topic, name="taken_events")
async def taken_events(records):
    async for batch in records.take_events(1, within=0):
        print("taken event", [(e.key, e.value, e.message.offset) for e in batch])

@app.agent(topic, name="numbered")
async def numbered(records):
    async for number, record in records.enumerate():
        print("numbered", number, record)
        if record == 4:
            monitor = app.monitor
            print("messages", monitor.messages_received_total, monitor.events_total > 4)
""",
    )
    program.send(b"1", b"2", b"3", b"4")
    for line in (
        *(f"value {n}" for n in (1, 2, 3, 4)),
        "event b'k' 1 0 True",
        "item b'k' 4",
        "numbered 3 4",
        "processed 8",
        "taken event [(b'k', 4, 3)]",
    ):
        wait_until(lambda line=line: said(worker, line) == 1, 60, what=line)
    wait_until(lambda: [x for x in worker.lines if x.startswith("messages ")], 60, what="messages")
    wait_until(lambda: [x for x in worker.lines if x.startswith("taken [1")], 60, what="a batch")
    wait_until(lambda: program.committed() == 4, 60, what="all committed")
    assert worker.stop(20) == 0
    assert said(worker, "revoked 1") == 1


@pytest.mark.row("a body that raises")
def test_a_body_that_raises_gets_the_same_batch_again_and_nothing_is_committed_meanwhile(
    program: Any,
) -> None:
    worker = program.agents(
        """
batches = []

@app.agent(topic)
async def failing(records):
    async for batch in records.take(3, within=5):
        print("batch", batch)
        batches.append(batch)
        if len(batches) == 1:
            raise ConnectionError("away")
""",
    )
    program.send(b"1", b"2", b"3")
    wait_until(lambda: program.committed() == 3, 60, what="the commit")
    assert said(worker, "batch [1, 2, 3]") == 2


@pytest.mark.row("sinks and `yield`")
@pytest.mark.row("agents on `app.channel()`")
def test_sinks_have_what_the_body_yields_and_channels_have_agents(program: Any) -> None:
    worker = program.agents(
        """
results = app.topic(f"{name}-results", value_type=int, partitions=1)
channel = app.channel()

@app.agent(channel, name="local")
async def local(values):
    async for value in values:
        print("channel", value)

@app.agent(results, name="reads_results")
async def reads_results(records):
    async for record in records:
        print("result", record)

async def function(value):
    print("sink", value)

@app.agent(topic, sink=[function, results, local], name="doubled")
async def doubled(records):
    async for record in records:
        yield record * 2
""",
    )
    program.send(b"1", b"2")
    for line in ("sink 2", "sink 4", "result 2", "result 4", "channel 2", "channel 4"):
        wait_until(lambda line=line: said(worker, line) == 1, 60, what=line)
    wait_until(lambda: program.committed() == 2, 60, what="the commit")
