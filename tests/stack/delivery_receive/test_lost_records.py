"""Records that Kafka has removed before they were read: said, and the rest is read."""

import re
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from embedded.waiting import wait_until


def make(lab: Any, **config: str) -> AdminClient:
    """The test's topic, whose records may be deleted by hand."""
    admin = AdminClient({"bootstrap.servers": lab.kafka.url})
    new = NewTopic(lab.topic, 4, 1, config={"cleanup.policy": "delete", **config})
    admin.create_topics([new])[lab.topic].result(30)
    return admin


def said(worker: Any, pattern: str) -> list[Any]:
    return [found for line in worker.process.lines if (found := re.search(pattern, line))]


def test_what_is_removed_before_it_was_read_is_said_and_the_rest_is_read(lab: Any) -> None:
    admin = make(lab)
    first = lab.worker()
    lab.wait_until_owned(first)
    lab.send(40)
    lab.wait_for_all()
    assert first.process.stop() == 0

    lab.send(400)  # a hundred to each partition
    first_kept = {0: 60, 2: 110}  # of 110
    places = [TopicPartition(lab.topic, number, at) for number, at in first_kept.items()]
    for future in admin.delete_records(places).values():
        future.result(30)

    second = lab.worker()
    lab.wait_until_owned(second)
    wait_until(lambda: lab.missing() == 150, 30, what="the effects of what is left")
    lost = said(second, r"(\d+) records of \S+\[(\d)\] are lost, offsets (\d+) to (\d+):")
    assert sorted(found.groups() for found in lost) == [
        ("100", "2", "10", "109"),
        ("50", "0", "10", "59"),
    ]
    lab.send(4)
    wait_until(lambda: lab.missing() == 150, 30, what="the effects of what comes after")

    third = lab.worker()
    lab.wait_until_owned(second, third)
    assert said(third, "are lost") == []


def test_a_partition_that_ends_before_the_groups_place_is_read_from_its_start(lab: Any) -> None:
    """As after a broker's lost disk, or offsets set by hand."""
    admin = make(lab)
    lab.send(40)
    places = [TopicPartition(lab.topic, number, 10 + 490 * number) for number in range(2)]
    there = [ConsumerGroupTopicPartitions(lab.topic, places)]
    for future in admin.alter_consumer_group_offsets(there).values():
        future.result(30)

    worker = lab.worker()
    wait_until(lambda: lab.missing() == 10, 30, what="all but what the group has read")
    behind = said(worker, r"\[(\d)\] ends at offset 10, and this group had read up to 500")
    assert [found[1] for found in behind] == ["1"]
