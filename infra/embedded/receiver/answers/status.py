"""What is kept, and what went because of the bounds."""

import time

import msgspec

from embedded.receiver.kept.store import Dropped, Store


class Status(msgspec.Struct, frozen=True, kw_only=True):
    started: int
    now: int
    version: int
    """Grows with each change of any kind."""
    versions: dict[str, int]
    traces: int
    spans: int
    logs: int
    sentry: int
    series: int
    points: int
    bytes: int
    bytes_limit: int
    traces_limit: int
    dropped: Dropped
    refused: int
    oldest: int
    """When the oldest trace that is kept began, 0 when there is none."""


def status_of(store: Store) -> Status:
    traces = list(store.traces())
    return Status(
        started=store.started,
        now=time.time_ns(),
        version=sum(store.versions.values()),
        versions=store.versions,
        traces=len(traces),
        spans=store.spans_kept,
        logs=len(store.logs()),
        sentry=len(store.sentry()),
        series=len(store.metrics),
        points=store.metrics.points,
        bytes=store.bytes,
        bytes_limit=store.bytes_limit,
        traces_limit=store.traces_limit,
        dropped=store.dropped,
        refused=store.refused,
        oldest=min((entry.facts.start for entry in traces), default=0),
    )
