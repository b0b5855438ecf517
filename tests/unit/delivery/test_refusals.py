"""A Kafka that is there and refuses is not away: reason and remedy stay until it relents."""

import logging

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidSessionTimeoutError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from faust.exceptions import ProducerSendError

from delivery.kafka.availability import Availability, is_kafka_away, one_line
from delivery.kafka.remedies import InstanceFencedError, TopicCreationRefusedError

REFUSALS: list[tuple[KafkaError, str]] = [
    (InconsistentGroupProtocolError(), "set another KAFKA_GROUP_ID"),
    (InstanceFencedError("backend-0"), "as backend-0, too: give this one another KAFKA_GROUP_INS"),
    (InvalidSessionTimeoutError(), "group.min.session.timeout.ms"),
    (GroupAuthorizationFailedError("backend"), "consumer group backend: it needs Read"),
    (GroupAuthorizationFailedError(), "consumer group: it needs Read"),
    (TopicAuthorizationFailedError("books"), "the topic books: it needs Describe"),
    (TopicAuthorizationFailedError({"b", "a"}), "the topic a, b: it needs Describe"),
    (TopicCreationRefusedError({"b", "a"}), "create the topic a, b: it needs Create, or Describe"),
    (ClusterAuthorizationFailedError(), "it needs Write on the topic that it sends to"),
]


@pytest.mark.parametrize(("error", "remedy"), REFUSALS)
def test_a_refusal_is_the_reason_until_the_worker_is_admitted(
    error: KafkaError, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    availability = Availability()
    for _ in range(3):  # each try finds Kafka, and is refused
        availability.found()
        assert availability.refused(error)
        availability.found()
        assert remedy in str(availability.reason)
        assert "away" not in str(availability.reason)
    assert [remedy in line for line in caplog.messages] == [True]

    availability.lost(KafkaConnectionError("gone"))
    assert availability.reason == "Kafka is away: KafkaConnectionError: gone"
    availability.found()
    assert remedy in str(availability.reason)
    availability.admitted()
    availability.admitted()
    assert availability.reason is None
    assert caplog.messages[-1] == "Kafka lets this worker receive now"
    assert len(caplog.messages) == 4


@pytest.mark.parametrize(("error", "remedy"), REFUSALS)
def test_a_refusal_of_what_is_asked_at_the_start_has_its_remedy_too(
    error: KafkaError, remedy: str
) -> None:
    availability = Availability()
    availability.lost(error)
    assert remedy in str(availability.reason)
    assert "away" not in str(availability.reason)


@pytest.mark.parametrize("error", [KafkaConnectionError("x"), TimeoutError(), KafkaError("x")])
def test_what_may_pass_is_no_refusal(error: Exception) -> None:
    availability = Availability()
    availability.found()
    assert not availability.refused(error)
    assert availability.reason is None


@pytest.mark.parametrize(("error", "remedy"), REFUSALS)
def test_a_send_that_kafka_refuses_says_the_remedy_and_is_no_fault_of_the_record(
    error: KafkaError, remedy: str
) -> None:
    wrapped = ProducerSendError("not sent")
    wrapped.__cause__ = error
    for each in (error, wrapped):
        assert remedy in one_line(each)
        assert is_kafka_away(each)
