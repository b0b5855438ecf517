"""pytest fixtures for the native parts; a conftest imports the names that its tests use.

Each part is started once per session, on free ports of loopback, when the first test asks for it.
"""

from collections.abc import Iterator

import pytest

from embedded.native.bugsink import Bugsink
from embedded.native.kafka import Kafka


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """An Apache Kafka; a test that stops it starts it again."""
    with Kafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_url(kafka: Kafka) -> str:
    """`host:port` of an Apache Kafka."""
    return kafka.url


@pytest.fixture(scope="session")
def bugsink() -> Iterator[Bugsink]:
    """A server that takes Sentry's protocol; make a project of your own on it."""
    with Bugsink() as server:
        yield server
