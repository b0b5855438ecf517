"""How Kafka is reached, and what of Faust's defaults is not kept."""

from typing import Any

import pytest
from aiokafka.errors import InconsistentGroupProtocolError

from delivery.application import create_app
from delivery.kafka.availability import Availability
from delivery.kafka.settings import KafkaSettings
from delivery.receiving import Stream
from delivery.refused import Refused
from delivery.topics import BytesSchema, TopicDescription
from telemetry import SettingsError, read_settings

SASL = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "KAFKA_SASL_USERNAME": "me",
    "KAFKA_SASL_PASSWORD": "s3cret",
}


def read(**environ: str) -> KafkaSettings:
    return read_settings(KafkaSettings, environ)


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("localhost:9092", ["localhost:9092"]),
        ("kafka://a:1,b:2", ["a:1", "b:2"]),
        ("kafka://a;kafka://b/", ["a:9092", "b:9092"]),
        (" a:1 , [::1]:2 ,[::1]", ["a:1", "[::1]:2", "[::1]:9092"]),
    ],
)
def test_brokers_are_addresses_with_or_without_scheme_and_port(
    url: str, servers: list[str]
) -> None:
    assert read(KAFKA_BROKER_URL=url).bootstrap_servers() == servers


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"KAFKA_BROKER_URL": "host:port"}, "KAFKA_BROKER_URL"),
        ({"KAFKA_BROKER_URL": "host:99999"}, "KAFKA_BROKER_URL"),
        ({"KAFKA_BROKER_URL": ","}, "KAFKA_BROKER_URL"),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL"),
        ({**SASL, "KAFKA_SASL_USERNAME": ""}, "KAFKA_SASL_USERNAME"),
        ({**SASL, "KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "/nowhere"}, "KAFKA_SSL_CAFILE"),
        ({"ENABLE_KAFKA_CONSUMER": "perhaps"}, "ENABLE_KAFKA_CONSUMER"),
        ({"KAFKA_STOP_TIMEOUT": "0"}, "KAFKA_STOP_TIMEOUT"),
        ({"KAFKA_GROUP_INSTANCE_ID": "backend 0"}, "KAFKA_GROUP_INSTANCE_ID"),
        ({"KAFKA_GROUP_INSTANCE_ID": ".."}, "KAFKA_GROUP_INSTANCE_ID"),
        ({"KAFKA_GROUP_INSTANCE_ID": "b" * 250}, "KAFKA_GROUP_INSTANCE_ID"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**environ)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_credentials_go_to_every_client_and_never_into_a_repr() -> None:
    kafka = read(**SASL, KAFKA_SASL_MECHANISM="SCRAM-SHA-256")
    arguments = kafka.aiokafka()
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-256"
    assert arguments["sasl_plain_password"] == "s3cret"
    credentials: Any = kafka.faust_credentials()
    assert (credentials.username, credentials.password) == ("me", "s3cret")
    assert credentials.mechanism.value == "SCRAM-SHA-256"
    app = create_app("test", kafka)
    assert app.conf.broker_credentials is not None
    assert "s3cret" not in f"{kafka!r} {app!r} {app.conf!r} {credentials!r}"


def test_faust_keeps_none_of_the_defaults_that_hurt() -> None:
    """Field notes, 11."""
    conf = create_app("test", read()).conf
    assert conf.broker_session_timeout <= 10
    assert conf.producer_request_timeout <= 60
    assert conf.broker_commit_interval <= 1
    assert conf.web_enabled is False
    assert conf.topic_disable_leader is True
    assert conf.topic_allow_declare is False
    assert conf.consumer_auto_offset_reset == "earliest"


def test_a_workers_own_name_makes_its_consumer_a_static_member() -> None:
    assert create_app("test", read()).conf.consumer_group_instance_id is None
    app = create_app("test", read(KAFKA_GROUP_INSTANCE_ID="backend-0"))
    assert app.conf.consumer_group_instance_id == "backend-0"


def test_the_environment_does_not_override_what_the_application_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Faust reads some ninety variables, and prefers them."""
    monkeypatch.setenv("BROKER_URL", "kafka://elsewhere")
    monkeypatch.setenv("BROKER_CONSUMER_URL", "kafka://elsewhere")
    monkeypatch.setenv("WEB_ENABLED", "true")
    monkeypatch.setenv("BROKER_SESSION_TIMEOUT", "600")
    conf = create_app("test", read(KAFKA_BROKER_URL="here:1")).conf
    assert [str(url) for url in conf.broker_consumer] == ["delivery://here:1"]
    assert conf.web_enabled is False
    assert conf.broker_session_timeout <= 10


def test_the_producer_is_idempotent_and_waits_for_every_replica() -> None:
    app = create_app("test", read(), producer_only=True)
    settings = app.transport.create_producer()._settings_extra()
    assert settings == {"acks": "all", "enable_idempotence": True}


def test_a_group_that_does_not_take_this_worker_is_said_with_the_remedy() -> None:
    availability = Availability()
    availability.lost(InconsistentGroupProtocolError())
    assert "KAFKA_GROUP_ID" in str(availability.reason)
    assert "away" not in str(availability.reason)


def test_a_topic_without_dead_letters_is_not_consumed() -> None:
    app = create_app("test", read())
    topic = app.topic(TopicDescription(name="t", schema=BytesSchema()))

    with pytest.raises(Refused, match="dead-letter topic"):

        @app.agent(topic)
        async def body(records: Stream[Any]) -> None: ...
