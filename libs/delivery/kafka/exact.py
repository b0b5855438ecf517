"""Sends any record that Kafka can hold, also one with neither key nor value."""

from collections.abc import Awaitable, Sequence
from typing import Any, cast

from aiokafka import AIOKafkaProducer, TopicPartition


async def send_exact(
    producer: AIOKafkaProducer,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
) -> Awaitable[Any]:
    """As the producer's ``send``: a future that is done when the broker has the record.

    aiokafka asserts that there is a key or a value. Kafka needs neither, and what somebody else's
    client sent must be sent on as it is.
    """
    if key is not None or value is not None:
        return cast(Awaitable[Any], await producer.send(topic, value, key, headers=headers))
    await producer.client._wait_on_metadata(topic)
    partition = producer._partition(topic, None, None, None, None, None)
    return cast(
        Awaitable[Any],
        await producer._message_accumulator.add_message(
            TopicPartition(topic, partition),
            None,
            None,
            producer._request_timeout_ms / 1000,
            headers=headers,
        ),
    )
