"""What an operator has to do where Kafka is there and refuses for good: no waiting repairs it."""

from collections.abc import Iterable
from typing import Final

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidSessionTimeoutError,
    KafkaError,
    TopicAuthorizationFailedError,
)


class InstanceFencedError(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """Another member has joined the group under this one's instance id, which is the argument."""


class TopicCreationRefusedError(KafkaError):  # type: ignore[misc]
    """Topics, whose names are the argument, are not seen and may not be created."""


_REMEDIES: Final[dict[type[KafkaError], str]] = {
    InconsistentGroupProtocolError: (
        "the consumer group has members of another kind, whose way of assigning partitions this"
        " worker does not have: stop them, or set another KAFKA_GROUP_ID"
    ),
    InstanceFencedError: (
        "another worker has joined the consumer group as{which}, too: give this one another"
        " KAFKA_GROUP_INSTANCE_ID, or stop the other"
    ),
    InvalidSessionTimeoutError: (
        "the brokers do not take this worker's session time-out: see their"
        " group.min.session.timeout.ms and group.max.session.timeout.ms"
    ),
    GroupAuthorizationFailedError: (
        "Kafka does not let this user into the consumer group{which}: it needs Read on the group"
    ),
    TopicAuthorizationFailedError: (
        "Kafka does not let this user use the topic{which}: it needs Describe, and Read to receive"
        " or Write to send"
    ),
    TopicCreationRefusedError: (
        "Kafka does not let this user create the topic{which}: it needs Create, or Describe where"
        " the topic exists"
    ),
    ClusterAuthorizationFailedError: (
        "Kafka lets this user send nothing, or create no topic: it needs Write on the topic that it"
        " sends to, or Create on the one that is missing"
    ),
}


def remedy(error: BaseException) -> str | None:
    """One line with the reason and what to do; None where waiting may help."""
    for kind, text in _REMEDIES.items():
        if isinstance(error, kind):
            return text.format(which=_which(error.args))
    return None


def _which(arguments: tuple[object, ...]) -> str:
    """The names that aiokafka gives with the error."""
    named = arguments[0] if arguments else ()
    names = [named] if isinstance(named, str) else named
    found = sorted(map(str, names)) if isinstance(names, Iterable) else []
    return " " + ", ".join(found) if found else ""
