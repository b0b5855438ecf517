"""The creation of topics before anybody uses them.

Faust ignores a topic that does not exist when a worker starts and looks again only minutes later,
and a broker that creates topics by itself gives them its own settings. So they are created in an
explicit step, each with its settings, by whichever service starts first.
"""

import logging
from collections.abc import Iterable
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from delivery.kafka.closing import close_whole
from delivery.kafka.declared import compare
from delivery.kafka.remedies import TopicCreationRefusedError
from delivery.kafka.settings import KafkaSettings
from delivery.topics import TopicDescription

_LOG: Final = logging.getLogger(__name__)
_BROKER_DEFAULT: Final = -1
_REQUEST_TIMEOUT_MS: Final = 10_000


def with_dead_letters(topics: Iterable[TopicDescription[Any]]) -> list[TopicDescription[Any]]:
    """The topics and their dead-letter topics, each once."""
    found: dict[str, TopicDescription[Any]] = {}
    for topic in topics:
        for each in (topic, topic.dead_letter):
            if each is not None:
                found.setdefault(each.name, each)
    return list(found.values())


async def ensure_topics(kafka: KafkaSettings, topics: Iterable[TopicDescription[Any]]) -> None:
    """Create what is missing, dead-letter topics included, each with its own settings.

    A topic that exists is left as it is: to change one is an operator's decision. One that is not
    as declared is said once.

    Raises:
        KafkaError: Kafka is away, or refuses. Nothing is retried here.
    """
    wanted = with_dead_letters(topics)
    admin = AIOKafkaAdminClient(**kafka.aiokafka(), request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in existing]
        if missing:
            await _create(admin, missing)
        if _has_controller(admin):
            there = [topic for topic in wanted if topic.name in existing]
            await compare(admin, kafka.kafka_broker_url, there)
    finally:
        await close_whole(admin.close())


async def _create(admin: AIOKafkaAdminClient, topics: list[TopicDescription[Any]]) -> None:
    if not _has_controller(admin):
        await _mention(admin, topics)
        return
    response = await admin.create_topics([_request(topic) for topic in topics])
    refused = set()
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if error is TopicAuthorizationFailedError:
            refused.add(name)
        elif code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name} could not be created: {message[0] if message else code}")
        if not code:
            _LOG.info("topic %s created", name)
    if refused:
        raise TopicCreationRefusedError(refused)


def _has_controller(admin: AIOKafkaAdminClient) -> bool:
    return admin._client.cluster.controller is not None


async def _mention(admin: AIOKafkaAdminClient, topics: list[TopicDescription[Any]]) -> None:
    """A broker without a controller: librdkafka's in-process one, which makes a topic, with its own
    settings, when somebody asks for it; or a real one that is only just starting."""
    for found in await admin.describe_topics([topic.name for topic in topics]):
        if found["error_code"]:
            raise for_code(found["error_code"])(f"topic {found['topic']} cannot be created yet")


def _request(topic: TopicDescription[Any]) -> NewTopic:
    new = NewTopic(topic.name, topic.partitions, 1, topic_configs=dict(topic.config))
    # Its constructor refuses the broker's default beside a number of partitions; Kafka does not.
    new.replication_factor = topic.replicas or _BROKER_DEFAULT
    return new
