"""All that is to be known of one topic, as a value.

    class Order(msgspec.Struct, frozen=True):
        number: int
        item: str

    ORDERS = json_topic("orders", Order, key=lambda order: order.number)

- ``app.topic(ORDERS)`` is the ``faust.Topic`` of it, for agents and for ``send``
- ``outbox.add(ORDERS, order)`` writes the record's key and bytes beside your change
- ``create_app(..., topics=[ORDERS])`` has it created, with its settings, if it is missing

Type checkers know which records a topic carries: an agent or an ``add`` with another type is an
error.
"""

from collections.abc import Mapping
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

import faust
import msgspec

from delivery.topics.schema import BytesSchema, JsonSchema, KeyFunction, RecordSchema, key_bytes

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
# A dead letter waits for an operator, however long: an expired one would be a lost record. It is
# its record and a story on top, so it may be larger than any record of Kafka's own limit (1 MiB).
DEAD_LETTER_CONFIG: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "max.message.bytes": "4194304",
}


class Encoded(NamedTuple):
    """A record as it stands in Kafka."""

    key: bytes | None
    value: bytes


class Encodes(Protocol[T_contra]):
    """What the outbox needs of a topic: a description, or the Faust topic made of it."""

    @property
    def name(self) -> str:
        """The topic's name on the broker."""

    def encode(self, record: T_contra, key: Any = None) -> Encoded:
        """The record's key and bytes; ``key`` where the record does not have it in it."""


class TopicDescription(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A topic's name and everything a client or a broker must know of it.

    ``config`` is the broker's topic configuration, values as Kafka writes them. ``replicas`` is the
    replication factor, None for the broker's default. ``dead_letter`` is where records go that
    cannot be handled. For documents, ``record_type`` is a Struct or a union of them, None where the
    bytes are somebody else's, and ``key_is`` says in words what the key is.
    """

    name: str
    schema: faust.Schema[Any, T]
    partitions: int = 4
    replicas: int | None = None
    config: Mapping[str, str] = {}
    dead_letter: "TopicDescription[Any] | None" = None
    record_type: Any = None
    key_is: str = ""

    def encode(self, record: T, key: Any = None) -> Encoded:
        """The record's key and bytes as the schema writes them.

        Raises:
            TypeError: the schema is not this library's, and needs an application to encode:
                ``app.topic(description).encode(record)``.
        """
        if not isinstance(self.schema, RecordSchema):
            raise TypeError(f"{self.name} is encoded by app.topic(description), not without an app")
        given = self.schema.key_of(record) if key is None else key_bytes(key)
        return Encoded(given, self.schema.encode(record))


def dead_letters_of(name: str, partitions: int) -> TopicDescription[bytes | None]:
    """The topic ``name.dlq``, as wide as its origin."""
    return TopicDescription(
        name=f"{name}.dlq",
        schema=BytesSchema(),
        partitions=partitions,
        config=DEAD_LETTER_CONFIG,
        key_is="the key of the record as it came, whatever it was",
    )


def json_topic(
    name: str,
    record_type: type[T],
    *,
    key: KeyFunction[T] | None = None,
    partitions: int = 4,
    config: Mapping[str, str] | None = None,
) -> TopicDescription[T]:
    """The topic ``name`` of JSON records, and with it ``name.dlq`` for its dead letters.

    ``record_type`` is a Struct, or a tagged union of them (annotate the result then, as
    ``TopicDescription[A | B]``). ``key`` gives a record's key.
    """
    return TopicDescription(
        name=name,
        schema=JsonSchema(record_type, key),
        partitions=partitions,
        config=config or {},
        dead_letter=dead_letters_of(name, partitions),
        record_type=record_type,
    )
