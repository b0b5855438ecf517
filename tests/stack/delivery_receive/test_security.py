"""TLS and SASL are settings; a wrong one is one clear line, without a secret in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded.native.certificates import self_signed
from embedded.native.kafka import Kafka
from embedded.waiting import wait_until

PASSWORD = "a-s3cret"
WRONG = "an0ther-s3cret"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def kafka(certificates: Path) -> Iterator[Kafka]:
    """A broker that also listens with TLS, and wants a password there."""
    own = self_signed(certificates, "broker")
    self_signed(certificates, "stranger")
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(own.both),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }
    scram = ["--add-scram", f"SCRAM-SHA-512=[name=worker,password={PASSWORD}]"]
    with Kafka(properties=properties, listeners={"SASL_SSL": 0}, format_arguments=scram) as broker:
        yield broker


def secured(certificates: Path, **changes: str) -> dict[str, str]:
    return {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": "worker",
        "KAFKA_SASL_PASSWORD": PASSWORD,
        "KAFKA_SSL_CAFILE": str(certificates / "broker.pem"),
        **changes,
    }


def test_a_worker_consumes_over_tls_with_a_password(
    lab: Any, kafka: Kafka, certificates: Path
) -> None:
    worker = lab.worker(kafka.urls["SASL_SSL"], **secured(certificates))
    lab.wait_until_owned(worker)
    lab.send(20)
    lab.wait_for_all()
    assert not [line for line in worker.process.lines if PASSWORD in line]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"KAFKA_SASL_PASSWORD": WRONG}, "Authentication"),
        ({"KAFKA_SSL_CAFILE": "stranger.pem"}, "certificate"),
    ],
)
def test_what_kafka_refuses_is_said_in_one_line_without_a_secret(
    lab: Any, kafka: Kafka, certificates: Path, wrong: dict[str, str], said: str
) -> None:
    changes = {
        name: str(certificates / value) if value.endswith(".pem") else value
        for name, value in wrong.items()
    }
    worker = lab.worker(kafka.urls["SASL_SSL"], **secured(certificates, **changes))
    wait_until(lambda: said in worker.status["reason"], 15, what=f"{said} in the reason")
    assert not worker.status["ready"]
    lines = [line for line in worker.process.lines if "Kafka is away" in line]
    assert len(lines) == 1
    assert said in lines[0]
    everything = "\n".join(worker.process.lines) + worker.status["reason"]
    assert PASSWORD not in everything
    assert WRONG not in everything
