"""What the parts around Kafka need of an application: how to reach Kafka, whether it answers, and
the topics.

The application that joins sending and receiving is ``delivery.application``.
"""

from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar, cast, get_args, overload

import faust
import msgspec

from delivery.kafka.availability import Availability
from delivery.kafka.settings import KafkaSettings
from delivery.kafka.topics import ensure_topics
from delivery.refused import Misused
from delivery.topics import JsonSchema, TopicDescription
from delivery.topics.topic import Topic

T = TypeVar("T")


class KafkaApp(faust.App):
    """A Faust application that knows its Kafka.

    ``availability`` says whether Kafka answers, and why not. ``declared_topics`` are created, with
    their dead-letter topics, when Kafka is first reached: those that the application was made with,
    and those that ``topic`` has made by then.
    """

    kafka: KafkaSettings
    availability: Availability
    declared_topics: list[TopicDescription[Any]]

    @overload
    def topic(self, description: TopicDescription[T], /) -> Topic[T]: ...

    @overload
    def topic(self, *names: str, value_type: type[T], **options: Any) -> Topic[T]: ...

    @overload
    def topic(self, *names: str, **options: Any) -> Topic[Any]: ...

    def topic(self, *names: Any, **options: Any) -> Topic[Any]:
        """The ``faust.Topic`` of a description, or, as in Faust, of a name and its options.

        The name alone of a topic that this application knows already is that topic.

        Raises:
            Refused: a pattern, a name that Kafka does not take, or options beside a description,
                which has them all.
        """
        described = names[0] if names else None
        if isinstance(described, str) and len(names) == 1 and not options:
            described = self._declared(described) or described
        if not isinstance(described, TopicDescription):
            topic = self._topic_named(names, options)
        elif len(names) > 1 or options:
            raise Misused(
                f"app.topic({described.name}) takes nothing beside the description:"
                " it has the topic's schema and settings"
            )
        else:
            topic = self._topic_of(described)
        self.declare_later(topic)
        return topic

    def declare_later(self, topic: Topic[Any]) -> None:
        """Have this topic created when Kafka is first reached."""
        for each in topic.descriptions:
            if self._declared(each.name) is None:
                self.declared_topics.append(each)

    def _declared(self, name: str) -> TopicDescription[Any] | None:
        return next((each for each in self.declared_topics if each.name == name), None)

    def _topic_named(self, names: tuple[str, ...], options: dict[str, Any]) -> Topic[Any]:
        value_type = options.get("value_type")
        if options.get("schema") is None and _is_struct(value_type):
            options = options | {"schema": JsonSchema(value_type), "value_type": None}
        return cast("Topic[Any]", super().topic(*names, **options))

    def _topic_of(self, description: TopicDescription[T]) -> Topic[T]:
        made: Topic[T] = cast(Any, self.conf).Topic(
            self,
            description=description,
            topics=[description.name],
            schema=description.schema,
            partitions=description.partitions,
            replicas=description.replicas,
            config=description.config,
        )
        return made

    async def declare(self, topics: Iterable[TopicDescription[Any]]) -> None:
        """Create these topics where they are missing. Raises KafkaError."""
        await ensure_topics(self.kafka, topics)

    async def send(self, channel: Any, *args: Any, **options: Any) -> Awaitable[Any]:
        """As Faust's; a description, or the name of a topic that this application knows, is sent
        to as that topic is, with its schema and key."""
        if isinstance(channel, str):
            channel = self._declared(channel) or self._topic_named((channel,), {})
        if isinstance(channel, TopicDescription):
            channel = self._topic_of(channel)
        return await super().send(channel, *args, **options)


def _is_struct(value_type: Any) -> bool:
    """Whether it is a Struct or a union of them, which Faust's own schema cannot read."""
    kinds = get_args(value_type) or (value_type,)
    return all(isinstance(kind, type) and issubclass(kind, msgspec.Struct) for kind in kinds)
