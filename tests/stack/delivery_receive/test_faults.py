"""Nothing is lost and nobody hangs, whatever dies, stops or goes away: on a real Kafka."""

import os
import signal
import socket
import time
from typing import Any

from confluent_kafka.admin import AdminClient, ConfigResource

from embedded.native.kafka import Kafka
from embedded.waiting import wait_until


def test_a_missing_topic_is_created_with_its_settings_before_it_is_consumed(lab: Any) -> None:
    """Faust ignores a topic that is not there, for minutes (field notes, 4)."""
    worker = lab.worker()
    lab.wait_until_owned(worker)
    admin = AdminClient({"bootstrap.servers": lab.kafka.url})
    topics = admin.list_topics(timeout=10).topics
    assert len(topics[lab.topic].partitions) == 4
    assert len(topics[f"{lab.topic}.dlq"].partitions) == 2
    resource = ConfigResource(ConfigResource.Type.TOPIC, lab.topic)
    config = admin.describe_configs([resource])[resource].result(10)
    assert config["cleanup.policy"].value == "compact"
    lab.send(10)
    lab.wait_for_all()


def test_faust_listens_on_no_port_of_its_own(lab: Any) -> None:
    """Its web server is on by default, on every interface (field notes, 11)."""
    lab.wait_until_owned(lab.worker())
    with socket.socket() as probe:
        probe.settimeout(1)
        assert probe.connect_ex(("127.0.0.1", 6066)) != 0


def test_a_worker_serves_http_while_kafka_is_absent_and_joins_when_it_comes(
    lab: Any, kafka: Kafka
) -> None:
    """Faust raises and ends (field notes, 9)."""
    kafka.stop()
    try:
        worker = lab.worker()
        status = worker.status
        assert (status["ready"], status["state"]) == (False, "waiting")
        wait_until(lambda: "Connect" in worker.status["reason"], 10)
        assert worker.process.running
        impatient = lab.worker()
        started = time.monotonic()
        assert impatient.process.stop() == 0
        assert time.monotonic() - started < 5
    finally:
        kafka.start()
    lab.wait_until_owned(worker)
    wait_until(lambda: worker.status["ready"], 10)
    lab.send(10)
    lab.wait_for_all()
    said = [line for line in worker.process.lines if "Kafka is" in line]
    assert 2 <= len(said) <= 5  # away, back, and no line for each try


def test_a_replica_without_consumer_needs_no_kafka(lab: Any) -> None:
    worker = lab.worker("127.0.0.1:1", ENABLE_KAFKA_CONSUMER="false")
    assert worker.status == {"ready": True, "state": "off", "reason": None, "partitions": []}
    assert worker.process.stop() == 0


def test_a_worker_survives_the_death_of_kafka_and_says_so_meanwhile(lab: Any, kafka: Kafka) -> None:
    worker = lab.worker()
    lab.wait_until_owned(worker)
    lab.send(2000)
    kafka.kill()
    try:
        wait_until(lambda: not worker.status["ready"], 15)
        assert "Kafka is away" in worker.status["reason"]
        time.sleep(12)  # longer than the session
        assert not worker.status["ready"]
    finally:
        kafka.start()
    lab.wait_until_owned(worker, timeout=40)
    lab.send(2000)
    lab.wait_for_all()
    wait_until(lambda: worker.status["ready"], 15)
    assert worker.process.running
    assert len(worker.process.lines) < 300


def test_a_worker_survives_a_kafka_that_stands_still(lab: Any, kafka: Kafka) -> None:
    worker = lab.worker()
    lab.wait_until_owned(worker)
    lab.send(100)
    lab.wait_for_all()
    kafka.suspend()
    try:
        wait_until(lambda: not worker.status["ready"], 20)
        time.sleep(10)
        assert worker.status["state"] == "waiting"
    finally:
        kafka.resume()
    wait_until(lambda: worker.status["ready"], 40)
    lab.send(100)
    lab.wait_for_all()


def test_a_killed_worker_is_replaced_within_fifteen_seconds_and_nothing_is_lost(lab: Any) -> None:
    first = lab.worker(SLOW="0.05")
    lab.wait_until_owned(first)
    second = lab.worker(SLOW="0.05")
    lab.wait_until_owned(first, second)
    lab.send(8000)
    wait_until(lambda: len(first.effects()) > 200)
    first.process.kill()
    died = time.monotonic()
    lab.wait_until_owned(second)
    assert time.monotonic() - died < 15
    lab.wait_for_all(60)


def test_a_worker_that_stood_still_gives_way_and_comes_back(lab: Any) -> None:
    first = lab.worker(SLOW="0.02")
    second = lab.worker(SLOW="0.02")
    lab.wait_until_owned(first, second)
    lab.send(4000)
    wait_until(lambda: len(first.effects()) > 100)
    os.kill(first.process.pid, signal.SIGSTOP)
    try:
        lab.wait_until_owned(second)
        lab.send(1000)
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
    lab.wait_until_owned(first, second, timeout=30)
    lab.wait_for_all(60)
    lab.send(1000)
    lab.wait_for_all(60)


def test_workers_that_come_and_go_lose_nothing_and_leave_no_partition_behind(lab: Any) -> None:
    """And what a worker that leaves in good order has finished is committed (field notes, 6, 7)."""
    first = lab.worker(SLOW="0.02")
    lab.wait_until_owned(first)
    lab.send(6000)
    second = lab.worker(SLOW="0.02")
    lab.wait_until_owned(first, second)
    third = lab.worker(SLOW="0.02")
    lab.wait_until_owned(first, second, third)
    assert first.process.stop() == 0
    lab.wait_until_owned(second, third)
    assert third.process.stop() == 0
    lab.wait_until_owned(second)
    lab.send(2000)
    lab.wait_for_all(60)
    every = [row for worker in lab.workers for row in worker.effects()]
    assert len(every) == len(set(every))  # a hand-over in good order repeats nothing


def test_a_partition_keeps_its_order_over_failures_of_the_database(lab: Any) -> None:
    worker = lab.worker()
    lab.wait_until_owned(worker)
    lab.misbehave("away")
    lab.send(1000)
    wait_until(lambda: worker.status["state"] == "retrying")
    lab.misbehave("")
    lab.wait_for_all()
    for partition in range(4):
        offsets = [offset for p, offset, _ in worker.effects() if p == partition]
        assert offsets == sorted(offsets)


def test_a_crash_inside_faust_ends_the_process_with_a_failure(lab: Any) -> None:
    """A worker that hangs half dead is never replaced (field notes, 9)."""
    worker = lab.worker()
    lab.wait_until_owned(worker)
    worker.crash()
    assert worker.process.wait(20) != 0


def test_a_static_member_that_is_restarted_moves_nobody_elses_partitions(lab: Any) -> None:
    first, second = (
        lab.worker(KAFKA_GROUP_INSTANCE_ID=f"worker-{number}", SESSION="29") for number in (0, 1)
    )
    lab.wait_until_owned(first, second)
    lab.send(20)
    lab.wait_for_all()
    moves = [line for line in second.process.lines if "partitions: " in line]
    had = first.status["partitions"]
    assert first.process.stop() == 0
    again = lab.worker(KAFKA_GROUP_INSTANCE_ID="worker-0", SESSION="29")
    lab.wait_until_owned(again, second)
    lab.send(20)
    lab.wait_for_all()
    assert again.status["partitions"] == had
    assert [line for line in second.process.lines if "partitions: " in line] == moves


def test_of_two_workers_of_one_name_the_first_is_fenced_and_waits_until_the_other_is_gone(
    lab: Any,
) -> None:
    """As each would take the name from the other at each heartbeat, for ever."""
    twin = {"KAFKA_GROUP_INSTANCE_ID": "twin", "SLOW": "0.5"}
    first = lab.worker(**twin)
    lab.wait_until_owned(first)
    lab.send(8000)  # 8 s of work
    wait_until(first.effects)
    second = lab.worker(**twin)  # while the first has records in work
    wait_until(lambda: "KAFKA_GROUP_INSTANCE_ID" in str(first.status["reason"]), 30)
    until = time.monotonic() + 13  # two tries more, at least
    while time.monotonic() < until:
        status = first.status
        assert not status["ready"]
        assert "as twin, too: give this one another KAFKA_GROUP_INSTANCE_ID" in status["reason"]
        assert second.status["ready"]
        time.sleep(0.2)
    lab.wait_until_owned(second)
    lab.wait_for_all()

    had = len(second.effects())
    lab.send(8000)
    wait_until(lambda: len(second.effects()) > had)
    second.process.kill()  # while it has records in work
    lab.wait_until_owned(first, timeout=40)
    wait_until(lambda: first.status["ready"], 10)
    lab.wait_for_all()
    lines = first.process.lines
    assert sum("KAFKA_GROUP_INSTANCE_ID" in line for line in lines) == 1
    assert sum("lets this worker receive now" in line for line in lines) == 1
    assert sum("partitions: " in line for line in lines) == 2
    assert sum("partitions: " in line for line in second.process.lines) == 1
    assert not any("Traceback" in line or "Kafka is away" in line for line in lines)
