"""Sends dead letters, and does not give up: going on without one would lose the record."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeAlias

from aiokafka import ConsumerRecord
from opentelemetry.trace import use_span

from delivery.dead_letters.story import DeadLetter, headers_of, story_of
from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import one_line
from telemetry.errors import type_of
from telemetry.kafka import (
    ProcessSpan,
    current_context_headers,
    end_send_span,
    start_send_span,
)
from telemetry.metrics import counter

Pause: TypeAlias = Callable[[float, str], Awaitable[None]]
"""Waits so many seconds before another try, and knows why; raises when there is to be none."""

_LOG: Final = logging.getLogger(__name__)


class DeadLetterSender:
    """Sends to one topic's dead-letter topic. The send span is a child of the process span; the
    record's own trace headers stay as they were."""

    def __init__(
        self, app: KafkaApp, dead_letter_topic: str, pauses: Callable[[], Iterator[float]]
    ) -> None:
        self._app = app
        self._topic = dead_letter_topic
        self._pauses = pauses

    async def send(
        self,
        raw: ConsumerRecord,
        error: BaseException,
        attempts: int,
        span: ProcessSpan,
        pause: Pause,
    ) -> None:
        """Returns when the broker has acknowledged the dead letter; tries for as long as it takes.

        Raises:
            What ``pause`` raises. The dead letter may have been written.
        """
        with use_span(span.span, record_exception=False, set_status_on_exception=False):
            context = current_context_headers()
            story = story_of(raw, error, attempts, self._app.conf.id, context.get("traceparent"))
            for seconds in self._pauses():
                try:
                    await self._send_once(raw, story, context)
                except Exception as failure:  # noqa: BLE001 - whatever it is, going on is worse
                    _LOG.warning(
                        "dead letter of %s[%d]@%d not sent yet: %s",
                        raw.topic,
                        raw.partition,
                        raw.offset,
                        one_line(failure),
                    )
                    await pause(seconds, f"cannot send a dead letter: {one_line(failure)}")
                else:
                    break
            counter("consumer.dead_letters").add(
                1, {"messaging.destination.name": raw.topic, "error.type": type_of(error)}
            )

    async def _send_once(
        self, raw: ConsumerRecord, story: DeadLetter, context: dict[str, str]
    ) -> None:
        sent = start_send_span(self._topic, raw.key, parent=context)
        try:
            written = await (
                await self._app.producer.send(
                    self._topic,
                    raw.key,
                    raw.value,
                    None,
                    None,
                    headers_of(story, raw.headers),  # type: ignore[arg-type]  # null values are Kafka's
                )
            )
        except BaseException as failure:
            end_send_span(sent, partition=None, offset=None, error=failure)
            raise
        end_send_span(sent, partition=written.partition, offset=written.offset, error=None)
