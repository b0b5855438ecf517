"""A topic that is not what its description declares is said, with the remedy, and once."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from delivery.kafka.declared import compare
from delivery.topics import BytesSchema, TopicDescription

COMPACTED = {"cleanup.policy": "compact,delete"}


class Admin:
    """A Kafka with one topic."""

    def __init__(self, partitions: int, policy: str, *, code: int = 0, away: bool = False) -> None:
        self._partitions, self._policy = partitions, policy
        self._code, self._away = code, away
        self.asked = 0

    async def describe_topics(self, names: list[str]) -> Any:
        self.asked += 1
        parts = [None] * self._partitions
        return [{"error_code": self._code, "topic": name, "partitions": parts} for name in names]

    async def describe_configs(self, resources: list[Any]) -> Any:
        if self._away:
            raise KafkaConnectionError
        entries = [("retention.ms", "1", False), ("cleanup.policy", self._policy, False)]
        found = [(self._code, None, 2, resource.name, entries) for resource in resources]
        return [SimpleNamespace(resources=found)]


def topic(name: str, **config: str) -> TopicDescription[Any]:
    return TopicDescription(name=name, schema=BytesSchema(), partitions=4, config=config)


async def said(admin: Any, name: str, caplog: pytest.LogCaptureFixture, **config: str) -> list[str]:
    caplog.clear()
    await compare(admin, "here:1", [topic(name, **config)])
    return caplog.messages


async def test_other_partitions_and_another_policy_are_a_line_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    partitions, policy = await said(Admin(2, "delete"), "a", caplog, **COMPACTED)
    assert partitions.startswith("topic a has 2 partitions, and 4 are declared: declare 2")
    assert partitions.endswith("kafka-topics.sh --alter --topic a --partitions 4")
    assert policy.startswith("topic a has cleanup.policy=delete, and compact,delete is declared: ")
    assert "--add-config cleanup.policy=[compact,delete]" in policy
    (more,) = await said(Admin(8, "delete,compact"), "b", caplog, **COMPACTED)
    assert more == "topic b has 8 partitions, and 4 are declared: declare 8 in its description"


async def test_what_is_as_declared_or_not_declared_is_not_mentioned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await said(Admin(4, "delete,compact"), "c", caplog, **COMPACTED) == []
    assert await said(Admin(4, "delete"), "d", caplog) == []


async def test_it_is_said_once_in_a_process(caplog: pytest.LogCaptureFixture) -> None:
    admin = Admin(2, "delete")
    assert len(await said(admin, "e", caplog)) == 1
    assert await said(admin, "e", caplog) == []
    assert admin.asked == 1


async def test_what_cannot_be_seen_now_is_compared_later_and_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await said(Admin(4, "delete", away=True), "f", caplog, **COMPACTED) == []
    assert len(await said(Admin(4, "delete"), "f", caplog, **COMPACTED)) == 1


async def test_what_this_user_may_not_see_is_not_compared(caplog: pytest.LogCaptureFixture) -> None:
    assert await said(Admin(0, "delete", code=29), "g", caplog, **COMPACTED) == []
