"""What follows a failure: whether it passes, how long to wait before trying again, and the circuit
that keeps a topic from going to the dead letters when everything fails.

``actor`` does what is decided here.
"""

import logging
import random
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec

from delivery import circuit
from delivery.kafka.availability import is_kafka_away
from delivery.postgres.errors import is_passing as is_passing_in_postgresql
from telemetry.metrics import gauge

_LOG: Final = logging.getLogger(__name__)

Classify: TypeAlias = Callable[[BaseException], bool]
"""Whether a failure passes."""


class PermanentError(Exception):
    """Raised by an agent's body: this record will never work; do not try it again."""


def is_passing(error: BaseException) -> bool:
    """Whether the failure says nothing about the record, and goes by itself.

    Network errors, time-outs, a Kafka that is away, a database that is away, busy or not as it was
    left. An agent may be given a function of its own that knows more:
    ``@app.agent(topic, classify=lambda e: is_passing(e) or isinstance(e, MyError))``.
    """
    if isinstance(error, PermanentError):
        return False
    # Refused, unreachable, reset; TimeoutError is one of them.
    if isinstance(error, OSError):
        return True
    return is_passing_in_postgresql(error) or is_kafka_away(error)


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how fast.

    ``attempts`` are for a record, or a batch, whose failure does not pass; what passes is tried for
    ever. Pauses grow by the factor 2 from ``first_pause`` to ``longest_pause`` (seconds), each
    shortened at random by up to a half, so that workers do not come back all at once.
    ``circuit_threshold`` is how many records in a row may fail for good before it is the agent that
    is suspected, and not the records. ``undecodable_rate`` bounds the dead letters a second of
    records that cannot be decoded, in each worker.
    """

    attempts: int = 4
    first_pause: float = 0.1
    longest_pause: float = 30.0
    circuit_threshold: int = 10
    undecodable_rate: float = 20.0

    def pauses(self) -> Iterator[float]:
        """The pauses in seconds, without end."""
        pause = self.first_pause
        while True:
            yield pause * random.uniform(0.5, 1.0)
            pause = min(pause * 2, self.longest_pause)


class Circuit:
    """Tells a bad record from a handler that fails for everything: open or closed, for one topic in
    one worker; the partitions share it.

    One bad record is dead-lettered. When one record after the other fails for good, and none
    succeeds in between, it is more likely that a deployment is bad than that the topic is;
    dead-lettering on would empty the topic into the dead letters. Then the circuit opens: nothing
    is dead-lettered, each partition tries its oldest record again from time to time, and the first
    success closes it.
    """

    def __init__(self, topic: str, threshold: int) -> None:
        self._topic = topic
        self._circuit = circuit.Circuit(threshold)
        self.reason: str | None = None
        """Why it is open, on one line; None while it is closed."""
        self._report()

    @property
    def is_open(self) -> bool:
        """Whether nothing may be dead-lettered for its handler's failure."""
        return self._circuit.is_open

    def success(self) -> None:
        """A record was handled: the handler works."""
        if self._circuit.succeeded():
            self.reason = None
            self._report()
            _LOG.warning("%s: a record succeeded; consumption goes on", self._topic)

    def failure(self, error: str) -> bool:
        """A record failed for good. Returns whether the circuit is open, now or still."""
        if self._circuit.failed():
            self.reason = (
                f"{self._topic}: the last {self._circuit.threshold} records all failed ({error});"
                " consumption is stopped, and the oldest record is tried from time to time"
            )
            self._report()
            _LOG.error("%s", self.reason)
        return self.is_open

    def _report(self) -> None:
        gauge("consumer.circuit").set(
            int(self.is_open), {"messaging.destination.name": self._topic}
        )
