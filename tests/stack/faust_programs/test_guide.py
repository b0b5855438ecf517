"""Small programs as Faust's guide writes them, each of several agents, in real workers on a real
Kafka: what one agent sends, another reads."""

import sys
from typing import Any

import pytest

from embedded.processes import Process
from embedded.waiting import wait_until


def said(worker: Process, line: str) -> int:
    return worker.lines.count(line)


def wait_for(worker: Process, *lines: str) -> None:
    for line in lines:
        wait_until(lambda line=line: said(worker, line) > 0, 60, what=line)


@pytest.mark.row("`faust.Record`")
@pytest.mark.row("`@app.agent()` without a topic")
def test_words_are_counted_by_one_agent_that_another_sends_to(program: Any) -> None:
    worker = program.agents(
        """
        from collections import Counter

        class Post(faust.Record, serializer="json"):
            author: str
            text: str

        counts = Counter()
        words = app.topic(name + "-words", key_type=str, value_type=str, partitions=2)

        @app.agent(value_type=Post)
        async def posts(stream):
            async for post in stream:
                for word in post.text.split():
                    await count.cast(word, key=word)

        @app.agent(words)
        async def count(stream):
            async for key, word in stream.items():
                counts[word] += 1
                print(key, counts[word])

        @app.task
        async def write():
            await posts.cast(Post("Ada", "the engine and the loom"))
        """
    )
    wait_for(worker, "the 2", "engine 1", "and 1", "loom 1")


@pytest.mark.row("`faust.Record`")
def test_values_come_as_their_topics_types_and_serializers_say(program: Any) -> None:
    worker = program.agents(
        """
        import datetime

        class Line(faust.Record, serializer="json"):
            item: str
            count: int = 1

        class Order(faust.Record, coerce=True, validation=True):
            at: datetime.datetime
            lines: list[Line]

        kinds = {
            "record": {"key_type": Line, "value_type": Order},
            "raw": {"value_serializer": "raw", "value_type": bytes},
            "json": {"value_serializer": "json"},
            "text": {"key_type": str, "value_type": str, "value_serializer": "raw"},
            "any": {"allow_empty": True, "value_type": Order},
        }
        topics = {kind: app.topic(f"{name}-{kind}", **how) for kind, how in kinds.items()}

        def read(kind):
            @app.agent(topics[kind], name=kind)
            async def reads(stream):
                async for event in stream.events():
                    print(kind, event.key, event.value)

        for kind in topics:
            read(kind)

        @app.task
        async def write():
            order = Order(at=datetime.datetime(2026, 1, 2), lines=[Line("tea", 3)])
            await topics["record"].send(key=Line("tea"), value=order)
            await topics["raw"].send(value=b"\\xff")
            await topics["json"].send(value={"a": [1, None]})
            await topics["json"].send(value=None)
            await topics["json"].send(value=order)
            await topics["text"].send(key="schlüssel", value="wert")
        """
    )
    program.send(None, to=f"{program.name}-any")
    order = "<Order: at=datetime.datetime(2026, 1, 2, 0, 0), lines=[<Line: item='tea', count=3>]>"
    wait_for(
        worker,
        f"record <Line: item='tea', count=1> {order}",
        r"raw None b'\xff'",
        "json None {'a': [1, None]}",
        "json None None",
        f"json None {order}",
        "text schlüssel wert",
        "any b'k' None",
    )


@pytest.mark.row("sinks and `yield`")
@pytest.mark.row("`event.forward`")
@pytest.mark.row("`async for`, `.events()`")
def test_results_and_events_go_on_to_agents_topics_and_names(program: Any) -> None:
    worker = program.agents(
        """
        others = app.topic(name + "-others", value_type=int, partitions=1)

        @app.agent(value_type=int)
        async def countdown(numbers):
            async for number in numbers:
                print("count", number)
                if number:
                    yield number - 1

        countdown.add_sink(countdown)

        @app.agent(topic)
        async def passes_on(stream):
            async for event in stream.events():
                await countdown.cast(event.value)
                await event.forward(others)
                await event.send(name + "-others", value=event.value * 100)

        @app.agent(topic)
        async def echoes(stream):
            async for number in stream.echo(others):
                pass

        @app.agent(others)
        async def other(stream):
            async for event in stream.events():
                print("other", event.key, event.value, event.headers.get("mine"))
        """
    )
    program.send(b"3", headers=[("mine", b"1")])
    wait_for(
        worker,
        "count 3",
        "count 0",
        "other b'k' 3 b'1'",
        "other b'k' 300 b'1'",
        "other None 3 None",
    )


@pytest.mark.row("`app.channel()`")
@pytest.mark.row("agents on `app.channel()`")
def test_a_pipeline_of_channels_runs_with_agents_and_without(program: Any) -> None:
    program.write(
        """
        first, second, third = app.channel(value_type=int), app.channel(), app.channel(maxsize=1)

        @app.task
        async def read():
            async for event in first:
                await second.send(value=event.value * 2)

        @app.task
        async def stream():
            async for value in app.stream(second):
                await pairs.cast(value)

        @app.agent(third)
        async def pairs(values):
            async for pair in values.take(2, within=30):
                print("pair", pair)

        @app.task
        async def write():
            for number in (1, 2, 3, 4):
                await first.send(value=number)
            async for number in app.stream([5, 6]):
                print("of a list", number)
        """
    )
    worker = program.worker()
    wait_for(worker, "pair [2, 4]", "pair [6, 8]", "of a list 6")


@pytest.mark.row("`agent.test_context()`")
def test_an_agent_is_tested_alone_also_in_a_worker(program: Any) -> None:
    worker = program.agents(
        """
        @app.agent(topic)
        async def doubled(numbers):
            async for number in numbers:
                if number == 2:
                    raise KeyError(number)
                yield number * 2

        @app.task
        async def alone():
            async with doubled.test_context() as agent:
                event = await agent.put(1)
                print("result", agent.results[event.message.offset])
                try:
                    await agent.put(2)
                except KeyError as error:
                    print("raised", error)
        """
    )
    wait_for(worker, "result 2", "raised 2")
    assert program.committed() < 1


@pytest.mark.row("`topic.derive_topic`")
def test_a_derived_topic_is_created_and_read(program: Any) -> None:
    worker = program.agents(
        """
        again = topic.derive_topic(topics=[name + "-x", name + "-y"], partitions=1)

        @app.agent(again)
        async def reads(stream):
            async for event in stream.events():
                print(event.message.topic.removeprefix(name), event.value)
        """
    )
    program.send(b"1", to=f"{program.name}-x")
    program.send(b"2", to=f"{program.name}-y")
    wait_for(worker, "-x 1", "-y 2")


@pytest.mark.row("signals `on_partitions_assigned`")
@pytest.mark.row("`app.sensors`")
def test_signals_and_the_monitor_tell_of_rebalances_and_commits(program: Any) -> None:
    program.write(
        """
        name = os.environ["NAME"]

        @app.on_rebalance_complete.connect
        async def complete(app, **_):
            print("complete", len(app.consumer.assignment()))

        topic = app.topic(name, value_type=int, partitions=2)

        @app.agent(topic, name="reads")
        async def reads(stream):
            async for number in stream:
                print("read", number)

        @app.timer(0.2)
        async def tell():
            monitor = app.monitor
            print("commits", sorted(monitor.tp_committed_offsets.values()))
            print("told", monitor.events_by_task["reads"], len(monitor.commit_latency) > 0)
            print("rebalances", monitor.rebalances, app.rebalancing)
        """
    )
    first = program.worker()
    wait_for(first, "complete 2", "rebalances 1 False")
    program.send(b"1", b"2")
    wait_for(first, "read 2", "commits [2]", "told 2 True")
    second = program.worker()
    wait_for(second, "complete 1")
    wait_for(first, "complete 1", "rebalances 2 False")


@pytest.mark.row("signals `on_worker_init`")
def test_who_asks_before_the_settings_are_read_is_told_of_them(program: Any) -> None:
    program.write(
        """
        @app.on_before_configured.connect
        def before(app, **_):
            print("before")

        @app.on_configured.connect
        def configured(app, conf, **_):
            print("configured", conf.topic_partitions)

        @app.on_after_configured.connect
        def after(app, **_):
            print("after")
        """
    )
    worker = program.worker()
    wait_for(worker, "before", "configured 8", "after")


@pytest.mark.row("`app.main()`")
@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("app.main()", ["worker", "--without-web"]),
        ("faust.Worker(app, loglevel='info').execute_from_commandline()", []),
        ("asyncio.run(here())", []),
    ],
)
def test_a_program_may_start_itself(program: Any, run_service: Any, start: str, words: Any) -> None:
    program.write_agents(
        f"""
        @app.agent(topic)
        async def reads(stream):
            async for number in stream:
                print("read", number)

        async def here():
            await app.start()
            while True:
                await asyncio.sleep(1)

        if __name__ == "__main__":
            {start}
        """
    )
    worker = run_service(
        [sys.executable, str(program.directory / "program.py"), *words],
        program.environment,
        name="worker",
    )
    wait_for(worker, "assigned")
    program.send(b"1")
    wait_for(worker, "read 1")
    wait_until(lambda: program.committed() == 1, 60, what="the commit")


@pytest.mark.row("Faust's settings")
def test_settings_given_to_create_app_are_obeyed(program: Any) -> None:
    program.write(
        """
        app = create_app(
            os.environ["NAME"],
            read_settings(KafkaSettings, os.environ),
            version=2,
            topic_partitions=3,
            value_serializer="raw",
            broker_commit_interval=0.1,
            broker_max_poll_records=10,
            producer_linger=0.01,
            producer_compression_type="gzip",
        )

        @app.on_partitions_assigned.connect
        async def assigned(app, assigned, **_):
            print(app.conf.id.removeprefix(os.environ["NAME"]), len(assigned))

        @app.agent(name="reads")
        async def reads(stream):
            async for value in stream:
                print("read", value)

        @app.task
        async def send():
            await reads.cast(b"as it is")
        """
    )
    worker = program.worker()
    wait_for(worker, "-v2 3", "read b'as it is'")
