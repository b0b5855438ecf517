"""What of Faust is refused, each in one line: when the worker starts, or at the call."""

from typing import Any

import pytest

from embedded.waiting import wait_until

ROW = pytest.mark.row


@pytest.mark.parametrize(
    ("use", "line"),
    [
        pytest.param(use, line, marks=ROW(row))
        for row, uses in {
            "`concurrency` above 1": [
                ("app.agent('t', concurrency=2)(reads)", "agent reads: concurrency=2 would commit"),
                ("app.agent('t', supervisor_strategy=object)(reads)", "agent reads: a supervisor"),
                ("app.agent('t', on_error=print)(reads)", "@app.agent(t, on_error=...) would be"),
            ],
            "a body that is no": [
                ("app.agent('t')(print)", "agent print: an agent is an `async def print(records)`"),
                ("app.agent(reads)", "@app.agent takes its parentheses"),
                ("app.timer(reads)", "@app.timer takes its parentheses"),
                (
                    "app.agent('t', name='a')(reads), app.agent('u', name='a')(reads)",
                    "agent a: there is one of this name",
                ),
            ],
            "a stock application's topic": [
                (
                    "app.agent(faust.App('stock').topic('t'))(reads)",
                    "agent reads: t belongs to another application",
                ),
            ],
            "`app.topic(pattern=…)`": [
                ("app.topic(pattern='t.*')", "a topic by pattern cannot be created"),
                ("app.topic('t.*')", "'t.*' is no name of a topic"),
            ],
            "`processing_guarantee=": [
                (
                    "create_app('x', app.kafka, processing_guarantee='exactly_once')",
                    "processing_guarantee: records are delivered at least once",
                ),
            ],
            "Faust's settings": [
                ("create_app('x', app.kafka, producer_acks=0)", "producer_acks: a record counts"),
                ("create_app('x', app.kafka, store='rocksdb://')", "store: there are no tables"),
            ],
            "`app.Table`": [
                ("app.Table('totals', default=int)", "table totals: tables are not kept here"),
                ("app.GlobalTable('totals')", "table totals: tables are not kept here"),
                ("app.SetTable('totals').tumbling(10)", "table totals: tables are not kept here"),
                ("app.SetGlobalTable('totals')", "table totals: tables are not kept here"),
            ],
            "`@app.page`": [
                ("app.page('/')(None)", "@app.page('/'): Faust's web server is off"),
                ("app.web_server(object)", "@app.web_server: append the service"),
                ("app.table_route(None)", "@app.table_route: Faust's web server is off"),
                ("app.topic_route(None)", "@app.topic_route: Faust's web server is off"),
            ],
            "`app.LiveCheck`": [("app.LiveCheck()", "app.LiveCheck: ")],
        }.items()
        for use, line in uses
    ],
)
def test_a_worker_with_what_is_refused_does_not_start_and_says_one_line(
    program: Any, use: str, line: str
) -> None:
    program.write(
        f"""
        async def reads(records):
            async for record in records:
                pass

        {use}
        """
    )
    said = program.command("worker", code=1)
    assert said.startswith(f"Error: {line}")
    assert len(said.splitlines()) == 1


IN_A_BODY = {
    "`stream.noack`": {
        "records.noack()": "stream.noack(): a record is acknowledged when",
        "records.noack_take(2, within=1)": "stream.noack_take(): use take()",
        "await records.ack(records.current_event)": "stream.ack(): come back",
        "faust.current_event().ack()": "event.ack(): come back",
    },
    "`stream.group_by`": {
        "records.group_by(len)": "stream.group_by(): send to the other topic in the body",
        "records.through('other')": "stream.through(): send to the other topic in the body",
        "records & records": "joins of streams: keep what is to be joined in the database",
    },
    "reading a stream in a task of its own": {
        "await asyncio.create_task(anext(records))": "reads its stream in a task of its own",
    },
}
AT_THE_CALL = {
    "`app.stream(topic)`": {
        "app.stream(topic)": "outside of an agent would commit what nobody has done",
        "topic.stream()": "outside of an agent would commit what nobody has done",
        "reads.stream()": "reads is its body's: make another agent",
        "[each async for each in topic]": "a topic is read by an agent",
        "await topic.get()": "a topic is read by an agent",
    },
    "`agent.ask`": {
        "await reads.ask(1)": "nobody replies here",
        "await reads.ask_nowait(1)": "nobody replies here",
        "[each async for each in reads.map([1])]": "nobody replies here",
        "await reads.join([1])": "nobody replies here",
        "await reads.send(value=1, reply_to=reads)": "nobody replies here",
    },
    "`app.start_client`": {
        "await app.start_client()": "there are no replies here",
        "await app.commit(None)": "offsets are committed by themselves",
    },
}


@pytest.mark.parametrize(
    ("uses"), [pytest.param(uses, marks=ROW(row)) for row, uses in IN_A_BODY.items()]
)
def test_what_is_refused_in_a_body_is_one_line_and_no_record_is_passed_over(
    program: Any, uses: dict[str, str]
) -> None:
    """However often: what is refused says nothing of the record, which waits."""
    agents = "".join(
        f"""
        @app.agent(topic, name="agent{number}")
        async def agent{number}(records):
            async for record in records:
                {use}
        """
        for number, use in enumerate(uses)
    )
    worker = program.agents(agents)
    program.send(b"1", b"2")
    for line in uses.values():
        wait_until(
            lambda line=line: any(line in x and "attempt 5" in x for x in worker.lines),
            60,
            what=line,
        )
    assert worker.stop(20) == 0
    assert program.committed() < 1
    assert not [line for line in worker.lines if "Traceback" in line or "dead letters" in line]


@pytest.mark.parametrize(
    ("uses"), [pytest.param(uses, marks=ROW(row)) for row, uses in AT_THE_CALL.items()]
)
def test_what_is_refused_at_the_call_says_one_line(program: Any, uses: dict[str, str]) -> None:
    calls = "".join(
        f"""
            try:
                {use}
            except Refused as refused:
                print("refused", refused)
        """
        for use in uses
    )
    worker = program.agents(
        f"""
        from delivery.refused import Refused

        @app.agent(topic)
        async def reads(records):
            async for record in records:
                pass

        @app.task
        async def call():
        {calls}
            print("done")
        """
    )
    wait_until(lambda: "done" in worker.lines, 60, what="the calls")
    told = [line for line in worker.lines if line.startswith("refused ")]
    assert len(told) == len(uses)
    for one, line in zip(told, uses.values(), strict=True):
        assert line in one
