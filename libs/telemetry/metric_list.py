"""The closed list of metrics: everything that is measured, with its unit and its attributes.

Names, units and attributes of ``http.*``, ``db.*`` and ``messaging.*`` are those of the
OpenTelemetry semantic conventions; the others are ours. The documentation's table is made from it.
"""

from typing import Final, Literal

import msgspec

Kind = Literal["counter", "histogram", "gauge", "updowncounter"]


class Metric(msgspec.Struct, frozen=True):
    """One metric: what it is called, measures and means, and which attributes it may carry."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    attributes: tuple[str, ...] = ()


_SENT = ("messaging.system", "messaging.operation.name", "messaging.destination.name", "error.type")
_CONSUMED = (
    "messaging.system",
    "messaging.operation.name",
    "messaging.destination.name",
    "messaging.consumer.group.name",
)
_PARTITION = ("messaging.destination.name", "messaging.destination.partition.id")

METRICS: Final = (
    Metric(
        "http.server.request.duration",
        "histogram",
        "s",
        "Time from a request's arrival to the end of its response",
        (
            "http.request.method",
            "http.route",
            "http.response.status_code",
            "url.scheme",
            "error.type",
        ),
    ),
    Metric(
        "http.client.request.duration",
        "histogram",
        "s",
        "Time from a request's start to the head of its response",
        (
            "http.request.method",
            "url.template",
            "http.response.status_code",
            "server.address",
            "server.port",
            "error.type",
        ),
    ),
    Metric(
        "db.client.connection.count",
        "updowncounter",
        "{connection}",
        "Open connections of a pool, by state: idle or used",
        ("db.client.connection.pool.name", "db.client.connection.state"),
    ),
    Metric(
        "db.client.connection.max",
        "updowncounter",
        "{connection}",
        "The most connections that a pool may open",
        ("db.client.connection.pool.name",),
    ),
    Metric(
        "messaging.client.sent.messages",
        "counter",
        "{message}",
        "Records that the broker acknowledged, or that could not be sent (error.type)",
        _SENT,
    ),
    Metric(
        "messaging.client.operation.duration",
        "histogram",
        "s",
        "Time from handing a record to the producer to the broker's acknowledgement",
        _SENT,
    ),
    Metric(
        "messaging.client.consumed.messages",
        "counter",
        "{message}",
        "Records that were given to processing, once each",
        _CONSUMED,
    ),
    Metric(
        "messaging.process.duration",
        "histogram",
        "s",
        "Time to process one record, its retries included",
        (*_CONSUMED, "error.type"),
    ),
    Metric("outbox.backlog", "gauge", "{record}", "Records committed and not yet published"),
    Metric("outbox.oldest_age", "gauge", "s", "Age of the oldest record not yet published"),
    Metric(
        "outbox.published",
        "counter",
        "{record}",
        "Outbox records that the broker acknowledged",
        ("messaging.destination.name",),
    ),
    Metric(
        "outbox.parked",
        "counter",
        "{record}",
        "Outbox records set aside because the broker refuses them for good",
        ("messaging.destination.name", "error.type"),
    ),
    Metric("relay.active", "gauge", "1", "1 in the process that holds the relay's lease, else 0"),
    Metric(
        "relay.running",
        "gauge",
        "1",
        "1 while the process's relay holds the lease or stands by for it, 0 while it cannot",
    ),
    Metric("consumer.lag", "gauge", "{record}", "Records on a partition not yet done", _PARTITION),
    Metric(
        "consumer.lost_records",
        "counter",
        "{record}",
        "Records that were removed from a partition before the group had read them",
        _PARTITION,
    ),
    Metric(
        "consumer.retries",
        "counter",
        "{attempt}",
        "Attempts at a record after its first one failed",
        ("messaging.destination.name", "error.type"),
    ),
    Metric(
        "consumer.dead_letters",
        "counter",
        "{record}",
        "Records sent to the dead-letter topic",
        ("messaging.destination.name", "error.type"),
    ),
    Metric(
        "consumer.circuit",
        "gauge",
        "1",
        "1 while consumption is stopped because everything fails, else 0",
        ("messaging.destination.name",),
    ),
    Metric(
        "read_model.ignored_changes",
        "counter",
        "{record}",
        "Records that were ignored since another event had been applied at their sequence or above",
    ),
    Metric(
        "consumer.replayed",
        "counter",
        "{record}",
        "Records that an operator published or handled again",
        ("messaging.destination.name",),
    ),
    Metric(
        "error_injection.injected",
        "counter",
        "{injection}",
        "Failures and delays that a rule injected",
        ("http.route", "http.request.method", "messaging.destination.name"),
    ),
)
