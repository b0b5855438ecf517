"""The example of docs/lift-it.md, run as its text says: two programs, from their command lines."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from embedded.broker import Broker
from embedded.receiver import Receiver
from embedded.testing import RunService, poll_until, wait_until

ROOT = Path(__file__).parents[2]
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
TRACEPARENT = ("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-01".encode())


@pytest.fixture(scope="module")
def orders_broker() -> Iterator[Broker]:
    """A broker whose ``orders`` nobody else uses."""
    with Broker(["orders", "orders.dlq"]) as broker:
        yield broker


@pytest.fixture(scope="module")
def environment(orders_broker: Broker, receiver_process: Receiver) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        "PYTHONPATH": path,
        "KAFKA_BROKER_URL": orders_broker.url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver_process.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
    }


@pytest.fixture(scope="module", autouse=True)
def worker(environment: dict[str, str]) -> Iterator[None]:
    run = RunService()
    try:
        process = run(["faust", "-A", "examples.orders", "worker"], environment)
        process.wait_for_line("partitions: ", 60)
        yield
        assert process.stop() == 0
    finally:
        run.stop_all()


def send(broker: Broker, value: bytes, headers: Any = None) -> None:
    producer = Producer({"bootstrap.servers": broker.url})
    producer.produce("orders", value, b"1", headers=headers)
    assert producer.flush(10) == 0


def dead_letter(broker: Broker, value: bytes) -> dict[str, bytes]:
    """The headers of the dead letter with exactly these bytes."""
    consumer = Consumer({"bootstrap.servers": broker.url, "group.id": "reader"})
    consumer.assign([TopicPartition("orders.dlq", partition, 0) for partition in range(4)])

    def found() -> dict[str, bytes] | None:
        message = consumer.poll(0.2)
        if message is None or message.error() or message.value() != value:
            return None
        return dict(message.headers())

    try:
        return wait_until(found, 20, what="the dead letter")
    finally:
        consumer.close()


async def test_a_record_is_handled_in_a_span_linked_to_its_send_and_logged_there(
    orders_broker: Broker, receiver: Receiver
) -> None:
    send(orders_broker, b'{"number": 1, "item": "tea", "quantity": 3}', [TRACEPARENT])
    (process,) = await poll_until(lambda: receiver.spans(name="process orders"))
    assert process.service == "orders"
    assert not process.parent_id
    assert [(link.trace_id, link.span_id) for link in process.links] == [(TRACE_ID, SPAN_ID)]
    (line,) = await poll_until(lambda: receiver.logs(span_id=process.span_id))
    assert line.message == "packed order 1: 3 x tea"


@pytest.mark.parametrize(
    ("value", "error", "attempts"),
    [
        (b'{"number": 1, "item": "s3cret"', b"NotARecordError", b"0"),
        (b'{"number": 1, "item": "s3cret", "quantity": 0}', b"PermanentError", b"1"),
    ],
)
async def test_what_cannot_be_handled_is_dead_lettered_and_the_next_record_is_handled(
    orders_broker: Broker, receiver: Receiver, value: bytes, error: bytes, attempts: bytes
) -> None:
    send(orders_broker, value)
    send(orders_broker, b'{"number": 2, "item": "tea", "quantity": 3}')
    headers = dead_letter(orders_broker, value)
    assert headers["dead-letter-error-type"].endswith(error)
    assert headers["dead-letter-attempts"] == attempts
    assert b"s3cret" not in b"".join(headers.values())
    await poll_until(lambda: [one for one in receiver.logs() if "order 2" in one.message])


async def test_a_sale_is_followed_from_its_transaction_to_the_packing(
    environment: dict[str, str],
    postgres_url: str,
    receiver: Receiver,
    run_service: RunService,
) -> None:
    shop = ["sh", "-c", 'echo "3 tea" | "$0" -m examples.shop', sys.executable]
    selling = run_service(shop, {**environment, "DATABASE_URL": postgres_url}, name="shop")
    selling.wait_for_line("^order 1$", 30)
    (process,) = await poll_until(lambda: receiver.spans(name="process orders"))
    (sell,) = await poll_until(lambda: receiver.spans(name="sell"))
    (sent,) = await poll_until(lambda: receiver.spans(name="send orders"))
    assert (sent.trace_id, sent.parent_id) == (sell.trace_id, sell.span_id)
    assert [(link.trace_id, link.span_id) for link in process.links] == [
        (sent.trace_id, sent.span_id)
    ]
    statements = receiver.spans(trace_id=sell.trace_id, kind="client")
    assert {one.attributes.get("db.operation.name") for one in statements} >= {"INSERT"}
    assert selling.wait(20) == 0
