"""The native Apache Kafka: what the other tests rely on when they break it."""

import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from embedded.native.kafka import Kafka


@pytest.fixture
def topic(kafka: Kafka) -> str:
    """A new topic with one partition."""
    name = f"test-{uuid.uuid4()}"
    admin = AdminClient({"bootstrap.servers": kafka.url})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(30)
    return name


def send(kafka: Kafka, topic: str, value: bytes) -> None:
    """Publishes one record and waits until the broker has it."""
    producer = Producer({"bootstrap.servers": kafka.url, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def read(kafka: Kafka, topic: str, count: int) -> list[bytes | None]:
    """The first `count` values of partition 0."""
    consumer = Consumer({"bootstrap.servers": kafka.url, "group.id": str(uuid.uuid4())})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        return [message.value() for message in consumer.consume(count, 30)]
    finally:
        consumer.close()


def test_a_record_survives_a_restart_on_the_same_port(kafka: Kafka, topic: str) -> None:
    send(kafka, topic, b"one")
    before = kafka.url
    kafka.restart()
    assert kafka.url == before
    assert read(kafka, topic, 1) == [b"one"]


def test_a_record_survives_a_kill(kafka: Kafka, topic: str) -> None:
    send(kafka, topic, b"one")
    kafka.kill()
    kafka.start()
    send(kafka, topic, b"two")
    assert read(kafka, topic, 2) == [b"one", b"two"]


def test_a_suspended_broker_answers_nothing_and_then_goes_on(kafka: Kafka, topic: str) -> None:
    kafka.suspend()
    producer = Producer({"bootstrap.servers": kafka.url})
    producer.produce(topic, b"late")
    assert producer.flush(1) == 1
    kafka.resume()
    assert producer.flush(30) == 0
    assert read(kafka, topic, 1) == [b"late"]


def test_a_topic_is_not_created_by_its_mention(kafka: Kafka) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.url})
    name = f"absent-{uuid.uuid4()}"
    admin.list_topics(name, timeout=30)
    assert name not in admin.list_topics(timeout=30).topics
