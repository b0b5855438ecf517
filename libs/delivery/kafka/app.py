"""What the parts around Kafka need of an application: how to reach Kafka, and whether it answers.

The application that joins sending and receiving is ``delivery.application``.
"""

from typing import Any

import faust

from delivery.kafka.availability import Availability
from delivery.kafka.settings import KafkaSettings
from delivery.kafka.topics import Topic


class KafkaApp(faust.App):
    """A Faust application that knows its Kafka.

    ``availability`` says whether Kafka answers, and why not. ``declared_topics`` are created, with
    their dead-letter topics, when Kafka is first reached.
    """

    kafka: KafkaSettings
    availability: Availability
    declared_topics: list[Topic]
    consumptions: dict[str, Any]
