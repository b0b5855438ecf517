"""What the metrics of the semantic conventions, and of the delivery library, say of the system."""

import collections
from collections.abc import Callable
from typing import Any

from embedded.receiver.answers.metrics import exemplars
from embedded.receiver.answers.steps import Growth, Steps, Values, last_of, levels
from embedded.receiver.answers.tallies import Tallies
from embedded.receiver.kept.series import Series
from embedded.receiver.kept.store import Store

_DEAD_LETTERS = ".dlq"
_EXEMPLARS = 50

View = dict[str, Any]
Key = tuple[str, ...]


def overview(store: Store, steps: Steps, service: str = "", tallies: Tallies | None = None) -> View:
    """`service` is empty for all of them; `tallies` are those of the last time."""
    read = _Reader(store, steps, service, tallies or Tallies())
    topics = {topic for name in _TOPIC_METRICS for (topic,) in read.keys(name, _topic_of)}
    pools = read.keys("db.client.connection.count", _pool_of)
    return {
        "start": steps.begin,
        "end": steps.end,
        "step": steps.seconds,
        "times": steps.times,
        "routes": [_route(read, key) for key in read.keys(_REQUESTS, _route_of)],
        "topics": [_topic(read, topic) for topic in sorted(topics)],
        "outbox": [_outbox(read, key) for key in read.keys("outbox.backlog", _service_of)],
        "pools": [_pool(read, key) for key in pools],
    }


def _by(*labels: str, service: bool = True) -> Callable[[Series], Key]:
    """What series are told apart by."""

    def key(one: Series) -> Key:
        values = tuple([one.labels.get(label, "") for label in labels])
        return (one.service, *values) if service else values

    return key


_POOL = "db.client.connection.pool.name"
_TOPIC = "messaging.destination.name"
_service_of = _by()
_route_of = _by("http.route", "http.request.method")
_topic_of = _by(_TOPIC, service=False)
_group_of = _by(_TOPIC, "messaging.consumer.group.name")
_pool_of = _by(_POOL)
_state_of = _by(_POOL, "db.client.connection.state")


def _failed(one: Series) -> bool:
    code = one.labels.get("http.response.status_code", "")
    return bool(one.labels.get("error.type")) or code.startswith("5")


def _done(one: Series) -> bool:
    return not _failed(one)


class _Reader:
    """What the kept series say in the steps, by the names of their metrics and a key."""

    def __init__(self, store: Store, steps: Steps, service: str, tallies: Tallies) -> None:
        self.steps = steps
        self._service = service
        self._source = store.metrics
        self._tallies = tallies
        self._named: dict[str, list[Series]] = collections.defaultdict(list)
        for one in store.metrics.series():
            if not service or one.service == service:
                self._named[one.name].append(one)
        self._grouped: dict[Any, dict[Key, list[Series]]] = {}

    def keys(self, name: str, by: Callable[[Series], Key]) -> list[Key]:
        """The different keys of the series of a metric, sorted."""
        return sorted(self._groups(name, by))

    def of(self, name: str, by: Callable[[Series], Key], key: Key) -> list[Series]:
        """The series of a metric that have this key."""
        return self._groups(name, by).get(key, [])

    def growth(
        self,
        name: str,
        by: Callable[[Series], Key],
        key: Key,
        part: Callable[[Series], bool] | None = None,
    ) -> Growth:
        """Of the series with this key, or of a `part` of them."""
        series = self.of(name, by, key)
        if part is not None:
            series = [one for one in series if part(one)]
        question = self._service, name, by, key, part
        tally = self._tallies.of(self._source, question, series, self.steps.begin)
        return Growth(self.steps, series, tally)

    def levels(self, name: str, by: Callable[[Series], Key], key: Key, agg: str = "sum") -> Values:
        return levels(self.steps, self.of(name, by, key), agg)

    def _groups(self, name: str, by: Callable[[Series], Key]) -> dict[Key, list[Series]]:
        groups = self._grouped.get((name, by))
        if groups is None:
            groups = self._grouped[name, by] = {}
            for one in self._named[name]:
                groups.setdefault(by(one), []).append(one)
        return groups


_REQUESTS = "http.server.request.duration"


def _route(read: _Reader, key: Key) -> View:
    service, route, method = key
    requests = read.growth(_REQUESTS, _route_of, key)
    errors = read.growth(_REQUESTS, _route_of, key, _failed)
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
        "exemplars": exemplars(read.of(_REQUESTS, _route_of, key), read.steps, _EXEMPLARS),
    }


_PROCESSED = "messaging.process.duration"
_SENT = "messaging.client.sent.messages"
_TOPIC_METRICS = (
    _SENT,
    _PROCESSED,
    "messaging.client.consumed.messages",
    "consumer.lag",
    "consumer.retries",
    "consumer.dead_letters",
    "consumer.replayed",
    "outbox.published",
)


def _topic(read: _Reader, topic: str) -> View:
    at = _topic_of, (topic,)
    counted = {
        "sent": read.growth(_SENT, *at, _done),
        "send_failures": read.growth(_SENT, *at, _failed),
        "retries": read.growth("consumer.retries", *at),
        "dead_letters": read.growth("consumer.dead_letters", *at),
        "replayed": read.growth("consumer.replayed", *at),
    }
    levelled = {
        "lag": read.levels("consumer.lag", *at),
        "circuit": read.levels("consumer.circuit", *at, "max"),
    }
    sending = read.growth("messaging.client.operation.duration", *at)
    groups = [key for key in read.keys(_PROCESSED, _group_of) if key[1] == topic]
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
        "groups": [_group(read, key) for key in sorted(groups, key=lambda one: (one[2], one[0]))],
    }


def _group(read: _Reader, key: Key) -> View:
    service, _, group = key
    processed = read.growth(_PROCESSED, _group_of, key)
    failures = read.growth(_PROCESSED, _group_of, key, _failed)
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
        "exemplars": exemplars(read.of(_PROCESSED, _group_of, key), read.steps, _EXEMPLARS),
    }


def _outbox(read: _Reader, key: Key) -> View:
    """Each process that measures the backlog measures the whole of it: no sum is taken."""
    levelled = {
        "backlog": read.levels("outbox.backlog", _service_of, key, "max"),
        "oldest_age": read.levels("outbox.oldest_age", _service_of, key, "max"),
        "relay_active": read.levels("relay.active", _service_of, key),
    }
    counted = {
        "published": read.growth("outbox.published", _service_of, key),
        "parked": read.growth("outbox.parked", _service_of, key),
    }
    return {
        "service": key[0],
        **{name: last_of(values) for name, values in levelled.items()},
        **{name: round(growth.total) for name, growth in counted.items()},
        "series": {**levelled, **{name: growth.rate for name, growth in counted.items()}},
    }


def _pool(read: _Reader, key: Key) -> View:
    count = "db.client.connection.count"
    levelled = {
        "used": read.levels(count, _state_of, (*key, "used")),
        "idle": read.levels(count, _state_of, (*key, "idle")),
        "max": read.levels("db.client.connection.max", _pool_of, key),
    }
    latest = {name: last_of(values) for name, values in levelled.items()}
    return {"service": key[0], "pool": key[1], **latest, "series": levelled}


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
