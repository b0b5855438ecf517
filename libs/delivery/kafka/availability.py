"""Whether Kafka answers, why not, and the wait until it does.

Kafka's absence is a state and not a failure: nothing here raises for it and no process ends because
of it. The log gets one line when Kafka goes, or gives another reason, and one when it is back.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    KafkaUnavailableError,
    ProducerClosed,
)
from faust.exceptions import ProducerSendError

from delivery.kafka.remedies import remedy
from delivery.kafka.settings import KafkaSettings
from telemetry.errors import message_of

_LOG: Final = logging.getLogger(__name__)
_PROBE_TIMEOUT_MS: Final = 5_000
_LONGEST_PAUSE_S: Final = 5.0

# What a Kafka that is away, or refuses us, looks like to a client.
KAFKA_ERRORS: Final = (KafkaError, OSError)  # a time-out is an OSError

_AWAY: Final = (KafkaTimeoutError, KafkaUnavailableError, ProducerClosed)


def is_kafka_away(error: BaseException) -> bool:
    """Whether a send failed because Kafka is away, is changing its leaders or refuses this user:
    the record may work."""
    error = _unwrapped(error)
    if isinstance(error, _AWAY) or remedy(error) is not None:
        return True
    return isinstance(error, KafkaError) and bool(error.retriable)


class Availability:
    """Kafka as this process last saw it.

    ``reason`` says in one line why Kafka cannot be used, without secrets; None while it can.
    """

    def __init__(self) -> None:
        self._away: str | None = "Kafka has not answered yet"
        self._refusal: str | None = None
        self._logged: str | None = None

    @property
    def reason(self) -> str | None:
        return self._away or self._refusal

    def lost(self, error: BaseException) -> None:
        """Kafka does not answer, or refuses."""
        self._away = remedy(error) or f"Kafka is away: {one_line(error)}"
        if self._logged != self._away:
            _LOG.warning("%s; waiting for it", self._away)
            self._logged = self._away

    def found(self) -> None:
        """Kafka answered."""
        self._away = None
        if self._logged is not None:
            _LOG.info("Kafka is back")
            self._logged = None

    def refused(self, error: BaseException) -> bool:
        """Whether this is Kafka's refusal of a worker that has found it, such as its group's. Then
        it is the reason until the worker is ``admitted``, although Kafka answers each new try."""
        refusal = remedy(error)
        if refusal is None:
            return False
        if self._refusal != refusal:
            _LOG.warning("%s; trying again", refusal)
            self._refusal = refusal
        return True

    def admitted(self) -> None:
        """The worker may receive."""
        if self._refusal is not None:
            _LOG.info("Kafka lets this worker receive now")
            self._refusal = None

    async def wait(
        self,
        kafka: KafkaSettings,
        attempt: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]],
        should_stop: Callable[[], bool],
    ) -> bool:
        """Try until Kafka can be reached and ``attempt`` succeeds; False when told to stop first.

        ``sleep`` is to end early when there is a stop to be noticed.
        """
        pause = 0.1
        while not should_stop():
            try:
                await reach(kafka)
                await attempt()
            except KAFKA_ERRORS as error:
                self.lost(error)
                await sleep(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                self.found()
                return True
        return False


async def reach(kafka: KafkaSettings) -> None:
    """Connect to one of the brokers, sign in, and hang up.

    aiokafka's own clients log why they cannot connect and raise an error that does not say it; this
    raises the reason itself.

    Raises:
        KafkaError, OSError, TimeoutError: of the last broker, when none can be reached.
    """
    arguments = kafka.aiokafka()
    failure: BaseException | None = None
    for server in arguments.pop("bootstrap_servers"):
        host, _, port = server.rpartition(":")
        try:
            connection = await create_conn(
                host.strip("[]"), int(port), request_timeout_ms=_PROBE_TIMEOUT_MS, **arguments
            )
        except KAFKA_ERRORS as error:
            failure = error
            if isinstance(error, KafkaError) or not str(error):
                continue
            failure = type(error)(f"{server}: {one_line(error)}")
        else:
            connection.close()
            return
    assert failure is not None, "the settings refuse an empty list of brokers"
    raise failure


def one_line(error: BaseException) -> str:
    """What to do about the error, where that is known, or else its type and message: on one line of
    at most 300 characters, without the values that a database repeats in its own."""
    error = _unwrapped(error)
    if (to_do := remedy(error)) is not None:
        return to_do
    message = " ".join(message_of(error).split())
    name = type(error).__name__
    # aiokafka's errors begin their own text with their names.
    named = message if message.startswith(name) else f"{name}: {message}" if message else name
    return named[:300]


def _unwrapped(error: BaseException) -> BaseException:
    """aiokafka's error, where Faust has wrapped it."""
    wrapped = error.__cause__ if isinstance(error, ProducerSendError) else None
    return error if wrapped is None else wrapped
