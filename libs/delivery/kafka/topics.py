"""Topics as this library sees them, and their creation before anybody uses them.

Faust ignores a topic that does not exist when a worker starts and looks again only minutes later,
and a broker that creates topics by itself gives them its own settings. So they are created in an
explicit step, each with its settings, by whichever service starts first.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from delivery.kafka.settings import KafkaSettings

_LOG: Final = logging.getLogger(__name__)
_BROKER_DEFAULT: Final = -1
_REQUEST_TIMEOUT_MS: Final = 10_000


class Topic(Protocol):
    """What the library needs to know of a topic; ``contracts`` has them as values."""

    @property
    def name(self) -> str:
        """The topic's name on the broker."""

    @property
    def partitions(self) -> int:
        """How many partitions it is created with."""

    @property
    def config(self) -> Mapping[str, str]:
        """The broker's topic configuration, values as Kafka writes them."""

    @property
    def schema(self) -> Any:
        """The Faust schema; its ``loads_value`` may return the error instead of raising it."""

    @property
    def dead_letter(self) -> "Topic | None":
        """Where records go that cannot be handled."""


def with_dead_letters(topics: Iterable[Topic]) -> list[Topic]:
    """The topics and their dead-letter topics, each once."""
    found: dict[str, Topic] = {}
    for topic in topics:
        for each in (topic, topic.dead_letter):
            if each is not None:
                found.setdefault(each.name, each)
    return list(found.values())


async def ensure_topics(kafka: KafkaSettings, topics: Iterable[Topic]) -> None:
    """Create what is missing, dead-letter topics included, each with its own settings.

    The replication factor is the broker's default. A topic that exists is left as it is: to change
    one is an operator's decision.

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
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    if admin._client.cluster.controller is None:
        await _mention(admin, topics)
        return
    response = await admin.create_topics([_request(topic) for topic in topics])
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name} could not be created: {message[0] if message else code}")
        if not code:
            _LOG.info("topic %s created", name)


async def _mention(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    """A broker without a controller: librdkafka's in-process one, which makes a topic, with its own
    settings, when somebody asks for it; or a real one that is only just starting."""
    for found in await admin.describe_topics([topic.name for topic in topics]):
        if found["error_code"]:
            raise for_code(found["error_code"])(f"topic {found['topic']} cannot be created yet")


def _request(topic: Topic) -> NewTopic:
    new = NewTopic(topic.name, topic.partitions, 1, topic_configs=dict(topic.config))
    # Its constructor refuses the broker's default beside a number of partitions; Kafka does not.
    new.replication_factor = _BROKER_DEFAULT
    return new
