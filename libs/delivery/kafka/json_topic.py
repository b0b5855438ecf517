"""A topic of JSON records, as one value: what a service needs that has no contracts of its own yet.

    class Order(msgspec.Struct, frozen=True): ...

    ORDERS = json_topic("orders", Order)

The value is what ``consume``, ``create_app`` and ``ensure_topics`` ask for. A record is written
with ``msgspec.json.encode``; fields that a reader does not know are ignored, so that records may
gain some.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiokafka import ConsumerRecord

_QUOTED_VALUE: Final = re.compile(r"(?<=value) (['\"]).*\1", re.DOTALL)
# A dead letter waits for an operator, however long; it is its record and a story on top.
_DEAD_LETTERS: Final = {"retention.ms": "-1", "max.message.bytes": "4194304"}


class NotARecordError(ValueError):
    """The bytes are not a record of this topic. Its text repeats nothing of them."""


class JsonSchema:
    """Reads values: strict about what the type names, blind to what it does not."""

    def __init__(self, record_type: Any) -> None:
        self._decoder = msgspec.json.Decoder(record_type)

    def loads_value(self, _: Any, message: ConsumerRecord) -> Any:
        """The record. Raises NotARecordError, also for a value that is missing."""
        if message.value is None:
            raise NotARecordError("no value")
        try:
            return self._decoder.decode(message.value)
        except RecursionError:
            raise NotARecordError("nested too deeply") from None
        except ValueError as error:  # not JSON, not UTF-8, or not this type
            raise NotARecordError(_QUOTED_VALUE.sub("", str(error))) from None


class JsonTopic(msgspec.Struct, frozen=True, kw_only=True):
    """A ``delivery.kafka.topics.Topic``; made by ``json_topic``."""

    name: str
    partitions: int
    config: Mapping[str, str]
    schema: JsonSchema
    dead_letter: "JsonTopic | None" = None


def json_topic(
    name: str, record_type: Any, *, partitions: int = 4, config: Mapping[str, str] | None = None
) -> JsonTopic:
    """The topic ``name`` of ``record_type`` (a Struct, or a tagged union of them), and with it
    ``name.dlq`` for its dead letters. ``config`` is the broker's topic configuration."""
    dead_letters = JsonTopic(
        name=f"{name}.dlq",
        partitions=partitions,
        config=_DEAD_LETTERS,
        schema=JsonSchema(Any),
    )
    return JsonTopic(
        name=name,
        partitions=partitions,
        config=config or {},
        schema=JsonSchema(record_type),
        dead_letter=dead_letters,
    )
