"""Topics: what is known of one (name, records, partitions, settings, dead letters), and Faust's.

A ``TopicDescription`` is a value that needs no application: contracts and tests hold it, the outbox
encodes by it, topics are created from it. ``app.topic(description)`` makes it a ``faust.Topic``
(``delivery.topics.topic.Topic``), which agents read and which ``send`` sends to.
"""

from delivery.topics.description import Encoded, Encodes, TopicDescription, json_topic
from delivery.topics.schema import BytesSchema, JsonSchema, NotARecordError, RecordSchema

__all__ = [
    "BytesSchema",
    "Encoded",
    "Encodes",
    "JsonSchema",
    "NotARecordError",
    "RecordSchema",
    "TopicDescription",
    "json_topic",
]
