"""What others have made of the group and of the topic is said, with what to do about it."""

import time
from typing import Any

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic

from embedded.waiting import wait_until


def test_a_group_of_another_kind_is_the_reason_until_it_is_gone(lab: Any) -> None:
    admin = AdminClient({"bootstrap.servers": lab.kafka.url})
    admin.create_topics([NewTopic(lab.topic, 4, 1)])[lab.topic].result(30)
    other = Consumer(
        {
            "bootstrap.servers": lab.kafka.url,
            "group.id": lab.topic,
            "partition.assignment.strategy": "cooperative-sticky",
        }
    )
    try:
        other.subscribe([lab.topic])
        wait_until(lambda: other.poll(0.1) is not None or other.assignment(), 30)
        worker = lab.worker()
        wait_until(lambda: "KAFKA_GROUP_ID" in worker.status["reason"], 30)
        until = time.monotonic() + 13  # two tries more, at least
        while time.monotonic() < until:
            other.poll(0.1)
            status = worker.status
            assert not status["ready"]
            assert "KAFKA_GROUP_ID" in status["reason"]
    finally:
        other.close()
    wait_until(lambda: worker.status["ready"], 30)
    lab.send(4)
    lab.wait_for_all()
    lines = worker.process.lines
    assert sum("set another KAFKA_GROUP_ID" in line for line in lines) == 1
    assert sum("lets this worker receive now" in line for line in lines) == 1
    assert not any("Kafka is away" in line or "Kafka is back" in line for line in lines)


def test_a_topic_that_is_not_as_declared_is_said_once_and_used(lab: Any) -> None:
    admin = AdminClient({"bootstrap.servers": lab.kafka.url})
    admin.create_topics([NewTopic(lab.topic, 6, 1)])[lab.topic].result(30)
    worker = lab.worker()
    lab.send(40)
    lab.wait_for_all()
    said = [line for line in worker.process.lines if "declared:" in line]
    assert len(said) == 2, said
    assert f"topic {lab.topic} has 6 partitions, and 4 are declared" in said[0]
    assert f"topic {lab.topic} has cleanup.policy=delete, and compact is declared" in said[1]
