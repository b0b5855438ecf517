"""One topic's consumption as an operator asks for it: is it going on, and if not, why not."""

from typing import Any, Literal, TypeAlias, cast

import msgspec

from delivery.kafka.app import KafkaApp
from delivery.kafka.topics import Topic
from delivery.receiving.effects import Effects

State: TypeAlias = Literal["off", "waiting", "consuming", "retrying", "stopped"]


class Status(msgspec.Struct, frozen=True):
    """``off`` by ENABLE_KAFKA_CONSUMER, ``waiting`` for Kafka or for the group, ``consuming``,
    ``retrying`` at least one record, or ``stopped`` by the circuit. ``reason`` is one line, None
    where there is nothing to explain."""

    state: State
    reason: str | None

    @property
    def ready(self) -> bool:
        """Whether this consumption does what it should. A retry does: it waits for something
        else, which has a readiness of its own."""
        return self.state in ("off", "consuming", "retrying")


class Consumption:
    """What ``consume`` returns."""

    def __init__(self, app: KafkaApp, topic: Topic, effects: Effects) -> None:
        self._app = app
        self.topic = topic
        self.effects = effects

    @property
    def status(self) -> Status:
        """As it is now."""
        if not self._app.kafka.enable_kafka_consumer:
            return Status("off", None)
        if self._app.availability.reason is not None:
            return Status("waiting", self._app.availability.reason)
        consumer = cast(Any, self._app.consumer)
        if not consumer.joined:
            return Status("waiting", "joining the consumer group")
        if self.effects.circuit.reason is not None:
            return Status("stopped", self.effects.circuit.reason)
        for tp, processor in consumer.processors.items():
            if tp.topic == self.topic.name and processor.trouble is not None:
                return Status("retrying", processor.trouble)
        return Status("consuming", None)

    @property
    def state(self) -> State:
        """``status.state``."""
        return self.status.state

    @property
    def reason(self) -> str | None:
        """``status.reason``."""
        return self.status.reason
