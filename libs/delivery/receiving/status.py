"""An agent as an operator asks for it: is it going on, and if not, why not."""

from typing import Literal, TypeAlias

import msgspec

State: TypeAlias = Literal["off", "waiting", "consuming", "retrying", "stopped"]


class Status(msgspec.Struct, frozen=True):
    """``off`` by ENABLE_KAFKA_CONSUMER, ``waiting`` for Kafka or for the group, ``consuming``,
    ``retrying`` at least one record, or ``stopped`` by the circuit. ``reason`` is one line, None
    where there is nothing to explain."""

    state: State
    reason: str | None = None

    @property
    def ready(self) -> bool:
        """Whether this agent does what it should. A retry does: it waits for something else, which
        has a readiness of its own."""
        return self.state in ("off", "consuming", "retrying")
