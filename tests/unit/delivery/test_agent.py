"""An agent's body and its stream, without Kafka: what it gets, and what is refused at once."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import faust
import pytest
from faust.sensors import Sensor
from faust.types import TP

from delivery.application import App, create_app
from delivery.kafka.settings import KafkaSettings
from delivery.receiving import Stream
from delivery.receiving.actor import EndedEarly
from delivery.receiving.counting import GroupCounting
from delivery.refused import Refused
from delivery.topics import json_topic


@pytest.fixture
def app() -> App:
    return create_app("agents", KafkaSettings(kafka_broker_url="127.0.0.1:1"))


# -- as Faust's guide tests an agent


async def test_the_guides_first_test_of_an_agent(app: App) -> None:
    @app.agent(app.topic("orders", value_type=str))
    async def order(orders: Stream[str]) -> AsyncIterator[str]:
        async for each in orders:
            yield f"{each}YOLO"

    async with order.test_context() as agent:
        event = await agent.put("hey")
        assert agent.results[event.message.offset] == "heyYOLO"
        another = await agent.put("you", key="k", headers={"a": b"1"})
        assert agent.results[another.message.offset] == "youYOLO"
        assert (another.key, another.headers) == ("k", {"a": b"1"})


async def test_what_an_agent_under_test_raises_is_raised_at_the_put_and_not_tried_again(
    app: App,
) -> None:
    seen = []

    @app.agent(app.topic("orders", value_type=int))
    async def order(orders: Stream[int]) -> None:
        async for each in orders:
            seen.append(each)
            if each == 2:
                raise KeyError(each)

    async with order.test_context() as agent:
        await agent.put(1)
        with pytest.raises(KeyError):
            await agent.put(2)
        event = await agent.put(3)
    assert seen == [1, 2, 3]
    assert agent.results[event.message.offset] == 3


async def test_an_agent_that_cannot_begin_is_told_at_the_put(app: App) -> None:
    @app.agent(app.topic("orders"))
    async def order(orders: Stream[Any]) -> None:
        raise LookupError("no settings")

    async with order.test_context() as agent:
        with pytest.raises(LookupError, match="no settings"):
            await agent.put(1)


@pytest.mark.parametrize("records", [[1], [1, 2]])
async def test_a_body_that_ends_with_records_in_hand_is_not_done_with_them(
    app: App, records: list[int]
) -> None:
    @app.agent(app.topic("orders"))
    async def order(orders: Stream[int]) -> None:
        async for _ in orders.take(10, within=0):
            return

    async with order.test_context() as agent:
        for each in records[:-1]:
            await agent.put(each, wait=False)
        with pytest.raises(EndedEarly, match="only coming back for the next one says"):
            await agent.put(records[-1])


async def test_a_body_that_hides_what_its_sink_raised_is_not_done_with_the_record(
    app: App,
) -> None:
    async def sink(result: int) -> None:
        raise LookupError(result)

    @app.agent(app.topic("orders"), sink=[sink])
    async def order(orders: Stream[int]) -> AsyncIterator[int]:
        async for each in orders:
            with contextlib.suppress(GeneratorExit):  # and asks for the next one
                yield each

    async with order.test_context() as agent:
        with pytest.raises(LookupError):
            await agent.put(1)


async def test_batches_can_be_tested_as_well(app: App) -> None:
    batches = []

    @app.agent(app.topic("orders"))
    async def order(orders: Stream[Any]) -> None:
        async for batch in orders.take(10, within=0):
            batches.append(list(batch))  # noqa: PERF401 - each as it comes

    async with order.test_context() as agent:
        await agent.put(1, wait=False)
        await agent.put(2)
        await agent.put(3)
    assert batches == [[1, 2], [3]]


# -- the stream's words


Reading = Callable[[Any], AsyncIterator[Any]]


async def every(stream: Any) -> AsyncIterator[Any]:
    async for record in stream:
        yield record


async def events(stream: Any) -> AsyncIterator[Any]:
    async for event in stream.events():
        assert faust.current_event() is event is stream.current_event
        yield (event.key, event.value, event.message.offset)


async def items(stream: Any) -> AsyncIterator[Any]:
    async for key, record in stream.items():
        yield (key, record)


async def enumerated(stream: Any) -> AsyncIterator[Any]:
    async for number, record in stream.enumerate(start=5):
        yield (number, record)


async def filtered(stream: Any) -> AsyncIterator[Any]:
    async for record in stream.filter(lambda record: record["n"] % 2):
        yield record["n"]


async def processed(stream: Any) -> AsyncIterator[Any]:
    async def twice(record: Any) -> int:
        return int(record["n"]) * 2

    stream.add_processor(twice)
    stream.add_processor(lambda number: number + 1)
    async for number in stream:
        yield number


async def taken_events(stream: Any) -> AsyncIterator[Any]:
    async for batch in stream.take_events(2, within=0):
        yield [(event.key, event.value["n"]) for event in batch]


async def timed(stream: Any) -> AsyncIterator[Any]:
    async for batch in stream.take_with_timestamp(1, 0, "at"):
        yield sorted(batch[0])


@pytest.mark.parametrize(
    ("reading", "results"),
    [
        (every, [{"n": 1}, {"n": 2}, {"n": 3}]),
        (events, [("k", {"n": 1}, 0), ("k", {"n": 2}, 1), ("k", {"n": 3}, 2)]),
        (items, [("k", {"n": 1}), ("k", {"n": 2}), ("k", {"n": 3})]),
        (enumerated, [(5, {"n": 1}), (6, {"n": 2}), (7, {"n": 3})]),
        (filtered, [1, {"n": 2}, 3]),  # under test, what yields nothing stands for itself
        (processed, [3, 5, 7]),
        (taken_events, [[("k", 1)], [("k", 2)], [("k", 3)]]),
        (timed, [["at", "n"]] * 3),
    ],
)
async def test_a_stream_is_read_in_fausts_words(
    app: App, reading: Reading, results: list[Any]
) -> None:
    agent = app.agent(app.topic("orders"))(reading)
    async with agent.test_context() as alone:
        for number in (1, 2, 3):
            await alone.put({"n": number}, key="k")
    assert [alone.results[offset] for offset in range(3)] == results


@pytest.mark.parametrize(
    "use",
    [
        lambda stream: stream.noack(),
        lambda stream: stream.noack_take(1, 1),
        lambda stream: stream.group_by(str),
        lambda stream: stream.through("another"),
        lambda stream: stream.join(),
        lambda stream: stream.outer_join(),
        lambda stream: stream & stream,
        lambda stream: stream.clone(),
    ],
)
async def test_what_a_stream_cannot_keep_its_promise_with_is_refused_in_one_line(
    app: App, use: Callable[[Any], Any]
) -> None:
    @app.agent(app.topic("orders"))
    async def order(orders: Stream[Any]) -> None:
        async for _ in use(orders):
            raise AssertionError("it was read")

    async with order.test_context() as agent:
        with pytest.raises(Refused) as refused:
            await agent.put(1)
    assert "\n" not in str(refused.value)


async def test_a_stream_that_is_read_in_another_task_says_who_may_read_it(app: App) -> None:
    @app.agent(app.topic("orders"))
    async def order(orders: Stream[Any]) -> None:
        await asyncio.gather(asyncio.ensure_future(anext(orders)))

    async with order.test_context() as agent:
        with pytest.raises(Refused, match="own task"):
            await agent.put(1)


async def test_a_batch_without_a_time_waits_until_it_is_full(app: App) -> None:
    batches = []

    @app.agent(app.topic("orders"))
    async def order(orders: Stream[Any]) -> None:
        async for batch in orders.take(2, within=None):
            batches.append(list(batch))  # noqa: PERF401 - each as it comes

    async with order.test_context() as agent:
        await agent.put(1, wait=False)
        await asyncio.sleep(0.05)
        assert batches == []
        await agent.put(2)
    assert batches == [[1, 2]]


# -- misuse


async def reads(records: Stream[Any]) -> None:
    async for _ in records:
        pass


async def takes_two(record: Any, metadata: Any) -> None: ...


def no_coroutine(records: Any) -> None: ...


class Reads:
    async def __call__(self, records: Stream[Any]) -> None: ...


@functools.wraps(reads)
def wrapped(records: Stream[Any]) -> Any:
    return reads(records)


@pytest.mark.parametrize("fun", [reads, Reads(), wrapped, functools.partial(reads)])
def test_an_agent_is_anything_that_reads_a_stream(app: App, fun: Any) -> None:
    assert app.agent("orders", name="a")(fun).fun is fun


@pytest.mark.parametrize("fun", [takes_two, no_coroutine, lambda records: None, 7])
def test_a_handler_that_is_no_agent_is_told_at_once(app: App, fun: Any) -> None:
    with pytest.raises(TypeError, match=r"^agent [^\n]*$"):
        app.agent("orders")(fun)


ORDERS = json_topic("orders", dict)
OTHER = create_app("other", KafkaSettings(kafka_broker_url="127.0.0.1:1"))
STOCK = faust.App("stock")


@pytest.mark.parametrize(
    ("channel", "options"),
    [
        (lambda: STOCK.topic("orders"), {}),
        (lambda: STOCK.channel(), {}),
        (lambda: OTHER.topic("orders"), {}),
        (lambda: ORDERS, {}),
        (lambda: 7, {}),
        (lambda: "orders", {"concurrency": 2}),
        (lambda: "orders", {"supervisor_strategy": object}),
        (lambda: "orders", {"sink": [print]}),
    ],
)
async def test_what_an_agent_cannot_have_is_told_at_once_in_one_line(
    app: App, channel: Callable[[], Any], options: dict[str, Any]
) -> None:
    with pytest.raises((Refused, TypeError), match=r"^agent [^\n]*$"):
        app.agent(channel(), **options)(reads)


def test_two_agents_of_one_name_are_told_at_once_and_the_first_stays(app: App) -> None:
    first = app.agent("orders", name="a")(reads)
    with pytest.raises(Refused, match="agent a: there is one of this name"):
        app.agent("others", name="a")(reads)
    assert app.agents["a"] is first


def test_a_sink_that_can_be_given_nothing_is_told_at_once(app: App) -> None:
    async def yields(records: Stream[Any]) -> AsyncIterator[Any]:
        async for each in records:
            yield each

    with pytest.raises(Refused, match="a sink is an agent, a topic, a channel or a function, not"):
        app.agent("orders", sink=["results"])(yields)  # type: ignore[list-item]


def test_types_belong_to_the_topic_where_there_is_one(app: App) -> None:
    with pytest.raises(Refused, match="agent reads: give value_type to its topic"):
        app.agent(app.topic("orders"), value_type=int)(reads)


def test_a_handler_of_errors_would_be_told_too_late(app: App) -> None:
    with pytest.raises(Refused, match="catch in the body"):
        app.agent("orders", on_error=print)


def test_an_agent_of_a_stock_application_is_refused() -> None:
    from delivery.receiving import Agent

    with pytest.raises(TypeError, match="create_app"):
        Agent(reads, app=STOCK, channel="orders")


@pytest.mark.parametrize(
    "use",
    [
        lambda agent: agent.ask(1),
        lambda agent: agent.ask_nowait(1),
        lambda agent: agent.map([1]),
        lambda agent: agent.kvmap([(1, 1)]),
        lambda agent: agent.join([1]),
        lambda agent: agent.kvjoin([(1, 1)]),
        lambda agent: agent.stream(),
        lambda agent: agent(),
        lambda agent: agent.app.stream(agent.channel),
        lambda agent: agent.channel.stream(),
    ],
)
def test_what_an_agent_does_not_do_is_refused_in_one_line(
    app: App, use: Callable[[Any], Any]
) -> None:
    agent = app.agent("orders")(reads)
    with pytest.raises(Refused) as refused:
        use(agent)
    assert "\n" not in str(refused.value)


async def test_a_reply_is_refused_when_it_is_asked_for(app: App) -> None:
    agent = app.agent("orders")(reads)
    with pytest.raises(Refused, match="nobody replies"):
        await agent.send(value=1, reply_to="answers")


async def test_a_stream_of_a_list_is_fausts_own(app: App) -> None:
    assert [each async for each in app.stream([1, 2, 3])] == [1, 2, 3]
    consumer: Any = app.consumer  # made for it by Faust, with a thread that is never started
    consumer._thread.thread_loop.close()


# -- what sensors are told of the group


def test_a_sensor_that_raises_keeps_nobody_from_a_rebalance_or_a_commit(app: App) -> None:
    class Broken(Sensor):
        def on_rebalance_start(self, app: Any) -> Any:
            raise LookupError("mine")

        def on_commit_initiated(self, consumer: Any) -> Any:
            raise LookupError("mine")

    app.sensors.add(Broken())
    counting = GroupCounting(app, None)
    counting.rebalance_begins()
    counting.rebalance_begins()  # the same one still
    assert (app.rebalancing, app.rebalancing_count) == (True, 1)
    counting.rebalance_ends()
    assert app.rebalancing is False
    counting.committed({("orders", 0): 7}, counting.commit_begins())
    assert app.monitor.tp_committed_offsets == {TP("orders", 0): 7}
