"""Consuming a topic: a plain function of a record and its metadata, and all that has to be right
around it.

    async def catalogue(record: BookRecord, metadata: Metadata) -> None: ...

    consume(app, BOOK_INGESTION, catalogue)

What the handler's author may rely on:

- Each record is given to the handler at least once; again after a crash or a rebalance. Make the
  effect idempotent.
- Records of a partition, and so of a key, are handled in order, one after the other; partitions do
  not wait for each other.
- The offset is committed only when the effect is durable (the handler returned), or the dead letter
  is (the broker acknowledged it).
- An exception is no end: a failure that passes (``is_passing``) is tried again for ever, with
  growing pauses; another one a few times, and then the record becomes a dead letter;
  ``PermanentError`` makes it one at once. A record that cannot be decoded becomes one as well.
- When everything fails, consumption stops, and goes on by itself: see
  ``delivery.receiving.circuit``.
- The handler runs in the record's ``process`` span, which is linked to its ``send`` span.
"""

from delivery.kafka.app import KafkaApp
from delivery.kafka.records import Metadata
from delivery.kafka.topics import Topic
from delivery.receiving.consumption import Consumption, Status
from delivery.receiving.effects import Effects
from delivery.receiving.records import BatchHandler, Handler, Hook, PermanentError
from delivery.receiving.retry import Classify, RetryPolicy, is_passing

__all__ = [
    "BatchHandler",
    "Classify",
    "Consumption",
    "Handler",
    "Hook",
    "Metadata",
    "PermanentError",
    "RetryPolicy",
    "Status",
    "consume",
    "is_passing",
]

_DEFAULT_POLICY = RetryPolicy()


def consume(
    app: KafkaApp,
    topic: Topic,
    handler: Handler,
    *,
    batch_handler: BatchHandler | None = None,
    before: Hook | None = None,
    policy: RetryPolicy = _DEFAULT_POLICY,
    classify: Classify = is_passing,
) -> Consumption:
    """Have the worker consume this topic; call it before the worker starts, once per topic.

    ``batch_handler`` applies several records of one partition in one go: up to 128, what is there
    without waiting, in order, perhaps several of one key. It is all or nothing: when it fails for
    good, ``handler`` is called for each record instead, so it must leave nothing half done.
    ``before`` is awaited for each record ahead of its effect, within the same attempt; what it
    raises counts as the handler's failure.

    Raises:
        ValueError: the topic is consumed already, or has no dead-letter topic.
    """
    if topic.name in app.consumptions:
        raise ValueError(f"{topic.name} is consumed already")
    if topic.dead_letter is None:
        raise ValueError(
            f"{topic.name} needs a dead-letter topic: where else would bad records go?"
        )
    effects = Effects(
        app, topic, topic.dead_letter, handler, batch_handler, before, policy, classify
    )
    consumption = Consumption(app, topic, effects)
    app.consumptions[topic.name] = consumption
    app.declared_topics.append(topic)
    return consumption
