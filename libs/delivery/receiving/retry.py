"""Which failures pass, and how long to wait before trying again."""

import random
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from delivery.kafka.availability import is_kafka_away
from delivery.postgres.errors import is_passing as is_passing_in_postgresql

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
