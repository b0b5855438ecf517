"""What the metrics of the semantic conventions, and of the delivery library, say of the system."""

import collections
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from embedded.receiver.answers.metrics import exemplars
from embedded.receiver.answers.steps import Growth, Steps, Values, last_of, levels
from embedded.receiver.kept.series import Series
from embedded.receiver.kept.store import Store

_DEAD_LETTERS = ".dlq"
_TOPIC = "messaging.destination.name"
_GROUP = "messaging.consumer.group.name"
_POOL = "db.client.connection.pool.name"
_STATE = "db.client.connection.state"
_EXEMPLARS = 50

View = dict[str, Any]
Labels = Mapping[str, str]

_ANY: Labels = {}


def overview(store: Store, steps: Steps, service: str) -> View:
    """`service` is empty for all of them."""
    read = _Reader(store, steps, service)
    return {
        "start": steps.begin,
        "end": steps.end,
        "step": steps.seconds,
        "times": steps.times,
        "routes": [
            _route(read, *key) for key in read.keys(_request_key, "http.server.request.duration")
        ],
        "topics": [_topic(read, topic) for (topic,) in read.keys(_topic_key, *_TOPIC_METRICS)],
        "outbox": [_outbox(read, one) for (one,) in read.keys(_service_key, "outbox.backlog")],
        "pools": [_pool(read, *key) for key in read.keys(_pool_key, "db.client.connection.count")],
    }


class _Reader:
    """The kept series by the names of their metrics, and what they say in the steps."""

    def __init__(self, store: Store, steps: Steps, service: str) -> None:
        self.steps = steps
        self._listening = store.started
        self._named: dict[str, list[Series]] = collections.defaultdict(list)
        for one in store.metrics.series():
            if not service or one.service == service:
                self._named[one.name].append(one)

    def keys(self, key: Callable[[Series], tuple[str, ...]], *names: str) -> list[tuple[str, ...]]:
        """The different keys of the series of these metrics, sorted."""
        return sorted({key(one) for name in names for one in self._named[name]})

    def of(self, name: str, service: str = "", labels: Labels = _ANY) -> list[Series]:
        """Series of a metric with these attributes."""
        return [
            one
            for one in self._named[name]
            if (not service or one.service == service)
            and all(one.labels.get(label, "") == value for label, value in labels.items())
        ]

    def growth(self, series: Iterable[Series]) -> Growth:
        return Growth(self.steps, series, self._listening)

    def levels(self, series: Iterable[Series], agg: str = "sum") -> Values:
        return levels(self.steps, series, agg)


def _failed(series: Iterable[Series]) -> list[Series]:
    return [one for one in series if one.labels.get("error.type")]


def _request_key(one: Series) -> tuple[str, ...]:
    return one.service, one.labels.get("http.route", ""), one.labels.get("http.request.method", "")


def _topic_key(one: Series) -> tuple[str, ...]:
    return (one.labels.get(_TOPIC, ""),)


def _service_key(one: Series) -> tuple[str, ...]:
    return (one.service,)


def _pool_key(one: Series) -> tuple[str, ...]:
    return one.service, one.labels.get(_POOL, "")


def _route(read: _Reader, service: str, route: str, method: str) -> View:
    labels = {"http.route": route, "http.request.method": method}
    series = read.of("http.server.request.duration", service, labels)
    failed = [
        one
        for one in series
        if one.labels.get("error.type")
        or one.labels.get("http.response.status_code", "").startswith("5")
    ]
    requests, errors = read.growth(series), read.growth(failed)
    error_rate = _or_zero(errors.count_rate, requests.count_rate)
    return {
        "service": service,
        "route": route,
        "method": method,
        "requests": round(requests.count),
        "errors": round(errors.count),
        "error_share": errors.count / requests.count if requests.count else None,
        "rate": _per_second(requests.count, read.steps),
        **requests.whole_quantiles(),
        "series": {
            "rate": requests.count_rate,
            "errors": error_rate,
            "error_share": _shares(error_rate, requests.count_rate),
            **requests.quantiles(),
        },
        "exemplars": exemplars(series, read.steps, _EXEMPLARS),
    }


_TOPIC_METRICS = (
    "messaging.client.sent.messages",
    "messaging.process.duration",
    "messaging.client.consumed.messages",
    "consumer.lag",
    "consumer.retries",
    "consumer.dead_letters",
    "consumer.replayed",
    "outbox.published",
)


def _topic(read: _Reader, topic: str) -> View:
    at = {_TOPIC: topic}
    sent = read.of("messaging.client.sent.messages", labels=at)
    failures = _failed(sent)
    counted = {
        "sent": read.growth([one for one in sent if one not in failures]),
        "send_failures": read.growth(failures),
        "retries": read.growth(read.of("consumer.retries", labels=at)),
        "dead_letters": read.growth(read.of("consumer.dead_letters", labels=at)),
        "replayed": read.growth(read.of("consumer.replayed", labels=at)),
    }
    levelled = {
        "lag": read.levels(read.of("consumer.lag", labels=at)),
        "circuit": read.levels(read.of("consumer.circuit", labels=at), "max"),
    }
    sending = read.growth(read.of("messaging.client.operation.duration", labels=at))
    groups = read.keys(
        lambda one: (one.labels.get(_GROUP, ""), one.service), "messaging.process.duration"
    )
    found = (_group(read, topic, *group) for group in groups)
    return {
        "topic": topic,
        "dead_letter_topic": topic.endswith(_DEAD_LETTERS),
        **{name: round(growth.total) for name, growth in counted.items()},
        **{name: last_of(values) for name, values in levelled.items()},
        "send_p95": sending.whole_quantiles()["p95"],
        "series": {
            **{name: growth.rate for name, growth in counted.items()},
            **levelled,
            "send_p95": sending.quantiles()["p95"],
        },
        "groups": [group for group in found if group is not None],
    }


def _group(read: _Reader, topic: str, group: str, service: str) -> View | None:
    at = {_TOPIC: topic, _GROUP: group}
    series = read.of("messaging.process.duration", service, labels=at)
    if not series:
        return None
    processed, failures = read.growth(series), read.growth(_failed(series))
    return {
        "group": group,
        "service": service,
        "processed": round(processed.count),
        "failures": round(failures.count),
        "rate": _per_second(processed.count, read.steps),
        **processed.whole_quantiles(),
        "series": {
            "processed": processed.count_rate,
            "failures": _or_zero(failures.count_rate, processed.count_rate),
            **processed.quantiles(),
        },
        "exemplars": exemplars(series, read.steps, _EXEMPLARS),
    }


def _outbox(read: _Reader, service: str) -> View:
    """Each process that measures the backlog measures the whole of it: no sum is taken."""
    levelled = {
        "backlog": read.levels(read.of("outbox.backlog", service), "max"),
        "oldest_age": read.levels(read.of("outbox.oldest_age", service), "max"),
        "relay_active": read.levels(read.of("relay.active", service)),
    }
    counted = {
        "published": read.growth(read.of("outbox.published", service)),
        "parked": read.growth(read.of("outbox.parked", service)),
    }
    return {
        "service": service,
        **{name: last_of(values) for name, values in levelled.items()},
        **{name: round(growth.total) for name, growth in counted.items()},
        "series": {**levelled, **{name: growth.rate for name, growth in counted.items()}},
    }


def _pool(read: _Reader, service: str, pool: str) -> View:
    at = {_POOL: pool}
    count = read.of("db.client.connection.count", service, labels=at)
    levelled = {
        "used": read.levels([one for one in count if one.labels.get(_STATE) == "used"]),
        "idle": read.levels([one for one in count if one.labels.get(_STATE) == "idle"]),
        "max": read.levels(read.of("db.client.connection.max", service, labels=at)),
    }
    latest = {name: last_of(values) for name, values in levelled.items()}
    return {"service": service, "pool": pool, **latest, "series": levelled}


def _per_second(count: float, steps: Steps) -> float:
    return count * 1e9 / (steps.end - steps.begin)


def _or_zero(values: Values, known: Values) -> Values:
    """Where the whole is known, a part of which nothing was heard is zero."""
    return [
        None if other is None else value or 0.0 for value, other in zip(values, known, strict=True)
    ]


def _shares(parts: Values, wholes: Values) -> Values:
    return [
        part / whole if whole and part is not None else None
        for part, whole in zip(parts, wholes, strict=True)
    ]
