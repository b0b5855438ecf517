"""Programs as in Faust's guide, on an application of this library, in real workers on a real Kafka.

One row of the table in docs/lift-it.md each; the agents' rows are in a file of their own.
"""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from embedded.processes import Process
from embedded.waiting import wait_until

FAUST = Path(sys.executable).parent / "faust"


def said(worker: Process, line: str) -> int:
    return worker.lines.count(line)


@pytest.mark.row("`@app.timer`")
@pytest.mark.row("`@app.service`")
@pytest.mark.row("signals `on_worker_init`")
def test_timers_crontabs_tasks_services_and_signals_of_a_worker(program: Any) -> None:
    program.write(
        """
        @app.timer(0.2)
        async def tick():
            print("tick")

        @app.crontab("* * * * * *")
        async def each_second():
            print("cron")

        @app.task
        async def once():
            print("task")

        @app.task()
        async def with_app(given):
            print("task with app", given is app)

        @app.service
        class Mine(Service):
            async def on_start(self):
                print("service started")

            async def on_stop(self):
                print("service stopped")

        @app.on_worker_init.connect
        def init(app, **_):
            print("on_worker_init")

        @app.on_before_shutdown.connect
        async def down(app, **_):
            print("on_before_shutdown")
        """
    )
    worker = program.worker()
    wait_until(lambda: said(worker, "tick") > 3 and said(worker, "cron") > 1, 60, what="ticks")
    assert worker.stop(20) == 0
    assert said(worker, "task") == 1
    assert said(worker, "task with app True") == 1
    for line in ("service started", "service stopped", "on_worker_init", "on_before_shutdown"):
        assert said(worker, line) > 0, line


@pytest.mark.row("the same with `on_leader=True`")
def test_one_worker_of_the_group_leads_and_another_follows_when_it_is_killed(
    program: Any,
) -> None:
    program.write(
        """
        @app.timer(0.2)
        async def tick():
            print("tick", app.is_leader())

        @app.timer(0.2, on_leader=True)
        async def leading():
            print("leading")

        @app.crontab("* * * * * *", on_leader=True)
        async def cron():
            print("leading by the clock")

        @app.task(on_leader=True)
        async def once():
            print("elected")
        """
    )
    first = program.worker()
    wait_until(
        lambda: said(first, "leading") > 2 and said(first, "leading by the clock") > 0,
        60,
        what="a leader",
    )
    second = program.worker()
    wait_until(lambda: said(second, "tick False") > 10, 60, what="the second worker")
    led = said(first, "leading")
    wait_until(lambda: said(first, "leading") > led + 5, 30, what="the leader to go on")
    assert said(second, "leading") == said(second, "elected") == 0
    assert said(first, "elected") == 1

    first.kill()
    wait_until(lambda: said(second, "leading") > 2, 60, what="another leader")


@pytest.mark.row("the same with `on_leader=True`")
def test_there_are_never_two_leaders_also_when_one_was_stopped_and_wakes_up(
    program: Any,
) -> None:
    program.write(
        """
        import time

        @app.timer(0.05, on_leader=True)
        async def leading():
            print("leading", time.monotonic())
        """
    )

    def led(worker: Process) -> list[float]:
        return [float(line.split()[1]) for line in worker.lines if line.startswith("leading ")]

    first = program.worker()
    wait_until(lambda: len(led(first)) > 2, 60, what="a leader")
    second = program.worker()
    first.pause()
    wait_until(lambda: len(led(second)) > 2, 60, what="another leader")
    first.resume()
    count = len(led(first)) + len(led(second))
    wait_until(lambda: len(led(first)) + len(led(second)) > count + 60, 60, what="a leader still")
    order = sorted([(at, 1) for at in led(first)] + [(at, 2) for at in led(second)])
    terms = [worker for worker, _ in itertools.groupby(worker for _, worker in order)]
    assert terms in ([1, 2], [1, 2, 1])  # two at once would take turns at every tick


@pytest.mark.row("`topic.send`")
@pytest.mark.row("`app.topic(description)`")
@pytest.mark.row("signals `on_worker_init`")
def test_every_way_to_send_has_a_span_a_traceparent_and_is_durable_when_awaited(
    program: Any,
) -> None:
    topic = f"{program.name}.parcels"
    program.write(
        f"""
        class Parcel(msgspec.Struct):
            number: int

        PARCELS = json_topic("{topic}", Parcel, key=lambda p: p.number, partitions=1)
        parcels = app.topic(PARCELS)
        produced = []
        app.on_produce_message.connect(lambda app, key=None, **_: produced.append(key), weak=False)

        @app.task
        async def send():
            with tracer.start_as_current_span("cause") as span:
                print(f"trace {{span.get_span_context().trace_id:032x}}")
                first = await (await parcels.send(value=Parcel(1)))
                second = await (await app.send("{topic}", value=Parcel(2)))
                third = await (await app.send(PARCELS, key=b"own", value=Parcel(3)))
                fourth = await parcels.send_soon(value=Parcel(4), headers={{"mine": b"1"}})
            fifth = await (await parcels.send(value=Parcel(5)))
            print("sent", [r.offset for r in (first, second, third, fourth, fifth)])
            print("produced", produced)
        """
    )
    worker = program.worker()
    wait_until(lambda: said(worker, "sent [0, 1, 2, 3, 4]") == 1, 60, what="the sends")
    assert said(worker, "produced [b'1', b'2', b'own', b'4', b'5']") == 1
    trace_id = next(line for line in worker.lines if line.startswith("trace "))[6:]
    records = program.records(topic, 5)
    assert [record.key() for record in records] == [b"1", b"2", b"own", b"4", b"5"]
    assert [msgspec.json.decode(r.value())["number"] for r in records] == [1, 2, 3, 4, 5]
    parents = [dict(record.headers() or [])["traceparent"].decode() for record in records]
    assert all(re.fullmatch(f"00-{trace_id}-[0-9a-f]{{16}}-[0-9a-f]{{2}}", p) for p in parents[:4])
    assert len({parent[36:52] for parent in parents}) == 5  # a span for each
    assert trace_id not in parents[4]
    assert dict(records[3].headers() or [])["mine"] == b"1"


@pytest.mark.row('`app.topic("name"')
@pytest.mark.row("creating topics")
def test_a_topic_of_the_application_is_created_with_its_settings(program: Any) -> None:
    topic = f"{program.name}.greetings"
    program.write(
        f"""
        class Greeting(faust.Record):
            text: str

        topic = app.topic(
            "{topic}",
            value_type=Greeting,
            partitions=3,
            compacting=True,
            config={{"segment.ms": 60000}},
        )

        @app.task
        async def started():
            print("started")
        """
    )
    worker = program.worker()
    wait_until(lambda: said(worker, "started") == 1, 60, what="the start")
    admin = AdminClient({"bootstrap.servers": program.kafka_url})
    described = admin.list_topics(timeout=10).topics
    assert len(described[topic].partitions) == 3
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    config = admin.describe_configs([resource])[resource].result(10)
    assert config["cleanup.policy"].value == "compact"
    assert config["segment.ms"].value == "60000"
    assert f"{topic}.dlq" in described


PROGRAM_OF_COMMANDS = """
    class Greeting(faust.Record):
        "A greeting."
        text: str

    hello = app.topic(app.conf.id + ".hello", value_type=Greeting, partitions=1)

    @app.agent(hello)
    async def polite(greetings):
        "Answers a greeting."
        async for greeting in greetings:
            pass

    @app.command(faust.cli.option("--name", default="you"))
    async def greet(self, name: str):
        "Say hello."
        self.say(f"hello {name}")
"""


@pytest.mark.row("`@app.command`")
def test_the_commands_of_faust_do_what_they_say(program: Any) -> None:
    program.write(PROGRAM_OF_COMMANDS)
    assert "greet" in program.command("--help")
    assert program.command("greet", "--name", "Ada") == "hello Ada\n"
    assert "A greeting." in program.command("models")
    assert re.search(
        r"@polite\s*\|\s*\S*\.hello\s*\|\s*Answers a greeting\.", program.command("agents")
    )
    assert re.search(r"text\s*\|\s*str", program.command("model", "Greeting"))
    topic = f"{program.name}.hello"
    sent = program.command("send", "-k", "a", topic, '{"text": "hi"}')
    (told,) = (line for line in sent.splitlines() if line.startswith("{"))  # beside its log
    assert msgspec.json.decode(told)["offset"] == 0
    (record,) = program.records(topic, 1)
    assert (record.key(), record.value()) == (b"a", b'{"text": "hi"}')


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["model", "Nope"], "No model 'Nope'"),
        (["send", "@nope", "x"], "no attribute 'nope'"),
        pytest.param(
            ["completion"],
            "pip install click_completion",
            marks=pytest.mark.row("`faust completion`"),
        ),
        pytest.param(
            ["tables"],
            "there are no tables here",
            marks=pytest.mark.row("`faust tables`"),
        ),
        (["reset"], "there are no tables here"),
        (["clean-versions"], "there are no tables here"),
        (["livecheck"], "follow a record by its trace"),
        (["worker", "--web-port", "6066"], "app.before_kafka"),
        (["worker", "--with-web"], "app.before_kafka"),
        (["--datadir", "/tmp", "worker"], "there are no tables here"),
    ],
)
@pytest.mark.row("`@app.command`")
def test_what_a_command_cannot_do_it_says_in_one_line(
    program: Any, words: list[str], line: str
) -> None:
    program.write(PROGRAM_OF_COMMANDS)
    done = subprocess.run(
        [FAUST, "-A", "program", *words],
        env=os.environ | program.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("set_up", ["", "logging.basicConfig(level=logging.WARNING)"])
@pytest.mark.row("`faust worker -l info`")
def test_the_log_level_of_the_command_line_is_obeyed(program: Any, set_up: str) -> None:
    program.write(
        f"""
        import logging
        {set_up}
        print("handlers", len(logging.getLogger().handlers))

        @app.task
        async def log():
            logging.getLogger("mine").info("said at info")
            print("done")
        """
    )
    quiet, loud = program.worker(), program.worker("-l", "info")
    for worker in (quiet, loud):
        wait_until(lambda worker=worker: said(worker, "done") == 1, 60, what="the task")
        worker.stop(20)
    assert not any("said at info" in line for line in quiet.lines)
    assert any("said at info" in line for line in loud.lines)
    assert said(loud, f"handlers {int(bool(set_up))}") > 0


@pytest.mark.row("`@app.timer`")
def test_an_error_in_a_task_ends_the_worker_with_a_status(program: Any) -> None:
    program.write(
        """
        @app.timer(0.1)
        async def broken():
            raise ZeroDivisionError("on purpose")
        """
    )
    worker = program.worker()
    assert worker.wait(60) != 0
    assert any("on purpose" in line for line in worker.lines)


@pytest.mark.row("`@app.timer`")
def test_a_worker_told_to_stop_while_kafka_is_away_starts_no_task(program: Any) -> None:
    program.kafka_url = "127.0.0.1:1"
    program.write(
        """
        @app.task
        async def once():
            print("task")
        """
    )
    worker = program.worker()
    worker.wait_for_line("Kafka is away", 60)
    assert worker.stop(20) == 0
    assert said(worker, "task") == 0


@pytest.mark.row("a stock `faust.App` in the same process")
def test_a_stock_application_in_the_same_process_goes_on_as_if_alone(program: Any) -> None:
    program.write(
        """
        from pathlib import Path

        stock = faust.App(
            f"{app.conf.id}-stock",
            broker="kafka://" + os.environ["KAFKA_BROKER_URL"],
            datadir=Path(__file__).parent / "data",
        )
        greetings = stock.topic(f"{app.conf.id}.stock", partitions=1, internal=True)
        counts = stock.Table("counts", default=int, partitions=1)

        @stock.agent(greetings)
        async def count(records):
            async for record in records:
                counts[record] += 1
                print(f"counted {counts[record]}")

        @stock.page("/")
        async def page(web, request):
            return web.text("hello")

        @stock.timer(0.5)
        async def greet():
            await greetings.send(key="k", value="hi")
        """
    )
    worker = program.worker(of=":stock")
    wait_until(lambda: any("counted 2" in line for line in worker.lines), 90, what="stock effects")
    assert "counts" in program.command("tables", of=":stock")
