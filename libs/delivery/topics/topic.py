"""``faust.Topic`` with records of one type, and with sends that can be followed and relied on.

Of the application: ``app.topic(description)``, or ``app.topic("name", value_type=…)`` as in Faust's
guide. Every send (``topic.send``, ``send_soon``, ``app.send``, ``agent.send``, ``agent.cast``) has
a span ``send {topic}``, a child of the span that is current at the call, and its ``traceparent`` is
in the record's headers. ``await topic.send(…)`` hands the record over; the record is durable, on
all replicas, when the future that this returns is done:

    sent = await orders.send(value=order)
    written = await sent  # topic, partition, offset
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Generic, TypeVar, cast

import faust
from faust.types.tuples import FutureMessage, RecordMetadata
from mode import want_seconds

from delivery.refused import Misused, Refused
from delivery.topics.description import Encoded, TopicDescription, dead_letters_of
from delivery.topics.schema import RecordSchema, key_bytes
from telemetry.errors import type_of
from telemetry.kafka import (
    SendSpan,
    current_context_headers,
    end_send_span,
    inject,
    start_send_span,
)

T = TypeVar("T")
_LOG: Final = logging.getLogger(__name__)
_READ_BY_AGENT: Final = "a topic is read by an agent, @app.agent(topic), and sent to with send()"
_NAME: Final = re.compile(
    r"[A-Za-z0-9._-]{1,249}"
)  # Kafka's org.apache.kafka.common.internals.Topic


class Topic(faust.Topic, Generic[T]):
    """A topic of an application; see the module.

    ``description`` is what it was made from, None for one made by its name: such a topic's dead
    letters go to ``name.dlq``.
    """

    def __init__(
        self, app: Any, *, description: TopicDescription[T] | None = None, **options: Any
    ) -> None:
        if options.get("pattern"):
            raise Misused(
                "a topic by pattern cannot be created or have dead letters:"
                " name its topics, app.topic('one', 'two')"
            )
        for name in options.get("topics") or ():
            _check_name(name)
        super().__init__(app, **options)
        self.description = description

    def _clone_args(self) -> Mapping[str, Any]:
        return {**super()._clone_args(), "description": self.description}

    # -- what it is

    @property
    def name(self) -> str:
        """The topic's name. Raises ValueError where there are several."""
        return self.get_topic_name()

    @property
    def descriptions(self) -> tuple[TopicDescription[T], ...]:
        """What to create, one for each name, with the dead-letter topics."""
        if self.description is not None:
            return (self.description,)
        partitions = self.partitions or self.app.conf.topic_partitions
        return tuple(
            TopicDescription(
                name=name,
                schema=cast(Any, self.schema),
                partitions=partitions,
                replicas=self.replicas,
                config=self._broker_config(),
                dead_letter=dead_letters_of(name, partitions),
                record_type=self.value_type,
            )
            for name in self.topics
        )

    def _broker_config(self) -> dict[str, str]:
        config = {str(name): str(value) for name, value in (self.config or {}).items()}
        kept = [p for p, on in (("compact", self.compacting), ("delete", self.deleting)) if on]
        if kept:
            config.setdefault("cleanup.policy", ",".join(kept))
        if self.retention:
            config.setdefault("retention.ms", str(round(want_seconds(self.retention) * 1000)))
        return config

    async def declare(self) -> None:
        """Create the topic and its dead-letter topic where they are missing.

        Raises:
            KafkaError: Kafka is away, or refuses.
        """
        await cast(Any, self.app).declare(self.descriptions)

    def derive_topic(self, **options: Any) -> "Topic[Any]":
        """As Faust's: this topic with another name, or other options; created like this one."""
        topic = cast("Topic[Any]", super().derive_topic(**options))
        cast(Any, self.app).declare_later(topic)
        return topic

    # -- reading is an agent's

    def __aiter__(self) -> Any:
        """Refused."""
        raise Refused(f"async for ... in {self}: {_READ_BY_AGENT}")

    async def get(self, **_: Any) -> Any:
        """Refused, and so is ``put``."""
        raise Refused(f"{self}.get(), put(): {_READ_BY_AGENT}")

    async def put(self, event: Any) -> Any:
        """Refused."""
        await self.get()

    # -- sending

    def encode(self, record: T, key: Any = None) -> Encoded:
        """The record's key and bytes; ``key`` where the record does not have it in it."""
        if isinstance(self.schema, RecordSchema):
            given = self.schema.key_of(record) if key is None else key_bytes(key)
            return Encoded(given, self.schema.encode(record))
        given, _ = self.prepare_key(key, None)
        value, _ = self.prepare_value(cast(Any, record), None)
        return Encoded(given, value)

    def as_future_message(
        self, key: Any = None, value: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """As Faust's; where no key is given, the schema takes it from the record."""
        schema = kwargs.get("schema") or self.schema
        if key is None and isinstance(schema, RecordSchema) and not isinstance(value, bytes | None):
            key = schema.key_of(value)
        future = super().as_future_message(key, value, *args, **kwargs)
        # The buffer of ``send_soon`` sends in a task of its own, where another span is current.
        cast(Any, future).parent = current_context_headers()
        return future

    async def publish_message(self, fut: FutureMessage, wait: bool = False) -> Awaitable[Any]:
        """Hand the record to the producer; the future returned is done when the broker has it.

        With ``wait``, returns then. Raises what the producer raises; the record may be there.
        """
        message = fut.message
        topic = self._topic_name_or_default(message.channel)
        key = _as_bytes("key", message.key, topic)
        value = _as_bytes("value", message.value, topic)
        span = start_send_span(topic, key, parent=getattr(fut, "parent", None))
        sensors, state, producer = self.app.sensors, None, None
        try:
            given = message.headers or ()
            pairs = given.items() if isinstance(given, Mapping) else given
            headers = cast(Any, inject(span, list(cast(Any, pairs))))
            fut.message = message = message._replace(headers=headers)
            producer = await self._get_producer()
            state = sensors.on_send_initiated(
                producer, topic, message=message, keysize=len(key or b""), valsize=len(value or b"")
            )
            sent = cast(
                "asyncio.Future[RecordMetadata]",
                await producer.send(
                    topic,
                    key,
                    value,
                    partition=message.partition,
                    timestamp=cast(Any, message.timestamp),
                    headers=message.headers,
                ),
            )
        except BaseException as error:
            end_send_span(span, partition=None, offset=None, error=error)
            if producer is not None and isinstance(error, Exception):
                sensors.on_send_error(producer, error, state)
            raise
        sent.add_done_callback(partial(self._answered, fut, topic, span, producer, state))
        if wait:
            await sent
            return fut
        return sent

    def _answered(
        self,
        fut: FutureMessage,
        topic: str,
        span: SendSpan,
        producer: Any,
        state: Any,
        sent: "asyncio.Future[RecordMetadata]",
    ) -> None:
        error = asyncio.CancelledError() if sent.cancelled() else sent.exception()
        if error is not None:
            end_send_span(span, partition=None, offset=None, error=error)
            # Whoever awaits the future hears of it as well; nobody has to.
            _LOG.warning("a record was not sent to %s: %s", topic, type_of(error))
            if isinstance(error, Exception):
                self.app.sensors.on_send_error(producer, error, state)
            if not fut.done():
                fut.set_exception(error) if isinstance(error, Exception) else fut.cancel()
                fut.cancelled() or fut.exception()
            return
        written = sent.result()
        end_send_span(span, partition=written.partition, offset=written.offset, error=None)
        self.app.sensors.on_send_completed(producer, state, written)
        if not fut.done():
            fut.set_result(written)
        callback = cast("Callable[[Any], Any] | None", fut.message.callback)
        if callback is not None:
            callback(fut)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise Misused(
            f"{name!r} is no name of a topic: letters, digits, '.', '_' and '-' are, at most 249"
        )


def _as_bytes(what: str, given: Any, topic: str) -> bytes | None:
    if given is None or isinstance(given, bytes):
        return given
    raise TypeError(
        f"the {what} of a record for {topic} became a {type(given).__name__} and no bytes: give the"
        f" topic a {what}_serializer, or its Record a serializer, such as 'json'"
    )
