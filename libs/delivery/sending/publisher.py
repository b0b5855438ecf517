"""Sends rows through a Faust application's producer, and says of a failure whether it can pass.

Faust's topics are not used for the sending itself: `topic.send` keeps a second future per record
whose exception nobody retrieves, and prints the message that failed into the log.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiokafka.errors import (
    InvalidTopicError,
    KafkaConnectionError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
    RecordTooLargeError,
    UnknownTopicOrPartitionError,
    UnsupportedForMessageFormatError,
)
from aiokafka.protocol.produce import ProduceRequest
from faust.transport.drivers.aiokafka import Producer as FaustProducer
from faust.types import RecordMetadata

from delivery.kafka.app import KafkaApp
from delivery.kafka.closing import close_whole
from delivery.kafka.topics import with_dead_letters
from delivery.sending.queue import Row
from telemetry.kafka import Headers

logger = logging.getLogger(__name__)

TOPIC_LOOKUP = 5.0
"""Seconds until a topic that Kafka does not know, and we did not declare, counts as missing."""
MISSING_FOR = 60.0
"""Seconds until it is looked up again: nobody is to wait TOPIC_LOOKUP for each of its records."""
ABANDON_TIMEOUT = 0.3
"""Seconds for each step of giving up a producer; what takes longer is cancelled."""
_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")

_HOPELESS = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
    UnsupportedForMessageFormatError,
)


class HopelessError(Exception):
    """This record can never be sent as it is, whatever the state of Kafka."""


def is_hopeless(error: BaseException | None) -> bool:
    """Whether the broker's answer will be the same for ever.

    It answers for a whole batch: only a record that was sent alone can be blamed.
    """
    return isinstance(error, (HopelessError, *_HOPELESS))


class Publisher:
    """One producer at a time, replaced when it has failed.

    After a failure nothing more goes through that producer: its sequence numbers have a gap, which
    the broker refuses, and that refusal is what keeps later records from overtaking.

    ``may_send`` is asked once more right before bytes leave. A process that was stopped (SIGSTOP)
    wakes up with batches in its producer; another has sent newer records of the same keys by then,
    and an old record behind a new one is what compaction would keep.
    """

    def __init__(self, app: KafkaApp, may_send: Callable[[], bool] = lambda: True) -> None:
        app.finalize()
        self._app = app
        self._may_send = may_send
        self._declared = {topic.name for topic in with_dead_letters(app.declared_topics)}
        self._known: set[str] = set()
        self._missing: dict[str, float] = {}  # until when
        self._producer: Any = None

    @property
    def reason(self) -> str | None:
        """Why Kafka cannot be used, in one line; None while it can."""
        return self._app.availability.reason

    async def open(self) -> None:
        """Start a new producer; waits for Kafka, for as long as it takes. Topics exist then."""
        self._known.clear()
        app = self._app
        app.producer = self._producer = app.transport.create_producer(
            loop=asyncio.get_running_loop(), beacon=app.beacon
        )
        await self._producer.start()
        if self._producer._producer is not None:  # it was not stopped while it waited
            self._guard(self._producer._producer.client)

    def _guard(self, client: Any) -> None:
        send = client.send

        async def send_if_allowed(node_id: int, request: object, **options: Any) -> object:
            # Connecting may take its time: first that, then the question, then nothing in between.
            if (
                isinstance(request, ProduceRequest)
                and await client.ready(node_id)
                and not self._may_send()
            ):
                raise ProducerClosed
            return await send(node_id, request, **options)

        client.send = send_if_allowed

    async def send(self, row: Row, headers: Headers) -> asyncio.Future[RecordMetadata]:
        """Hand a record to the producer; the future is done when the broker has answered.

        Waits while the producer's buffer for the partition is full. Raises HopelessError for what
        can be told beforehand, and the producer's errors.
        """
        if row.topic not in self._known:
            await self._look_up(row.topic)
        try:
            # Not our own producer's `send`: that one replaces a broken producer on the way, and
            # this record would overtake those that the broken one has failed to send.
            future = await FaustProducer.send(
                self._producer, row.topic, row.key, row.value, None, None, headers
            )
        except Exception as error:
            # Faust wraps what aiokafka raises.
            cause = error.__cause__ or error
            if is_hopeless(cause):
                raise HopelessError(f"{type(cause).__name__}: {cause}") from error
            raise cause from error
        return cast(asyncio.Future[RecordMetadata], future)

    async def abandon(self) -> None:
        """Give up the producer with all that it has not sent: a normal stop would send it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_whole(self._give_up(producer))

    async def _give_up(self, producer: Any) -> None:
        client, producer._producer = producer._producer, None
        if client is not None:
            client._closed = True  # or its destructor complains
            # Connections first: what is on its way ends now instead of being waited for.
            await _at_most(ABANDON_TIMEOUT, client.client.close())
            # Without connections its sender may wait for news of the cluster for ever; cut off, it
            # takes what it had in hand with it.
            await _at_most(ABANDON_TIMEOUT, client._sender.close())
            await _at_most(ABANDON_TIMEOUT, client.client.close())  # what it has opened meanwhile
        await _at_most(ABANDON_TIMEOUT, producer.stop())

    async def _look_up(self, topic: str) -> None:
        if not _TOPIC_NAME.fullmatch(topic):
            raise HopelessError("no topic can have this name")
        now = asyncio.get_running_loop().time
        if self._missing.get(topic, 0.0) > now():
            raise HopelessError("there is no such topic")
        client = self._producer._producer.client
        deadline = now() + TOPIC_LOOKUP
        while client.cluster.partitions_for_topic(topic) is None:
            client.add_topic(topic)
            if not await client.force_metadata_update():
                raise KafkaConnectionError("no broker tells which topics there are")
            if now() > deadline:
                if topic in self._declared:  # deleted: the next producer declares it again
                    raise UnknownTopicOrPartitionError(topic)
                self._missing[topic] = now() + MISSING_FOR
                raise HopelessError("there is no such topic")
            await asyncio.sleep(0.1)
        self._known.add(topic)


async def _at_most(seconds: float, step: Awaitable[object]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await step
