"""Whether a topic that exists is what its description declares, said once in a process.

A topic that was made by hand, by a broker that makes topics by itself, or for an earlier version
is used as it is. With fewer partitions some workers have nothing to do; with another cleanup policy
records are removed that a rebuild needs, or kept that were to go.
"""

import logging
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from delivery.topics import TopicDescription

_LOG: Final = logging.getLogger(__name__)
_POLICY: Final = "cleanup.policy"
_COMPARED: Final[set[tuple[str, str]]] = set()  # a Kafka's address, a topic

Topic: TypeAlias = TopicDescription[Any]


async def compare(admin: AIOKafkaAdminClient, kafka: str, topics: Iterable[Topic]) -> None:
    """Warn of topics that are not as declared; ``kafka`` says which Kafka this is.

    Raises nothing: what this user may not see is not compared.
    """
    new = {topic.name: topic for topic in topics if (kafka, topic.name) not in _COMPARED}
    if not new:
        return
    try:
        for found in await admin.describe_topics(list(new)):
            if not found["error_code"]:
                _compare_partitions(new[found["topic"]], len(found["partitions"]))
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in new]
        for response in await admin.describe_configs(resources):
            for code, _, _, name, entries in response.resources:
                if not code:
                    _compare_policy(new[name], {entry[0]: entry[1] for entry in entries})
    except KafkaError as error:
        _LOG.debug("topics not compared with what is declared: %s", type(error).__name__)
    else:
        _COMPARED.update((kafka, name) for name in new)


def _compare_partitions(topic: Topic, found: int) -> None:
    if found == topic.partitions:
        return
    remedy = f"declare {found} in its description"
    if found < topic.partitions:
        remedy += (
            f", or, while nothing is in it, kafka-topics.sh --alter --topic {topic.name}"
            f" --partitions {topic.partitions}"
        )
    _LOG.warning(
        "topic %s has %s partitions, and %s are declared: %s",
        *(topic.name, found, topic.partitions, remedy),
    )


def _compare_policy(topic: Topic, config: dict[str, str | None]) -> None:
    declared, found = topic.config.get(_POLICY), config.get(_POLICY)
    if declared is None or found is None or _policies(declared) == _policies(found):
        return
    _LOG.warning(
        "topic %s has cleanup.policy=%s, and %s is declared: kafka-configs.sh --alter --topic %s"
        " --add-config cleanup.policy=[%s], or declare what it has",
        *(topic.name, found, declared, topic.name, declared),
    )


def _policies(text: str) -> set[str]:
    return {each.strip() for each in text.split(",")}
