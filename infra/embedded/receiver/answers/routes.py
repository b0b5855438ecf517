"""The JSON API; docs/receiver-api.md describes it."""

from typing import Annotated, Any

from litestar import MediaType, Response, delete, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.params import Dependency, Parameter
from litestar.response import Stream

from embedded.receiver.answers.lines import LineQuery, logs_json, sentry_json
from embedded.receiver.answers.linked import linked_json
from embedded.receiver.answers.map import Map, map_of
from embedded.receiver.answers.metrics import MetricOverTime, MetricQuery, catalogue, over_time
from embedded.receiver.answers.one_trace import list_json, trace_json
from embedded.receiver.answers.overview import overview
from embedded.receiver.answers.parameters import From, Seconds, To, trace_id_of
from embedded.receiver.answers.search import TraceQuery, find_traces
from embedded.receiver.answers.status import Status, status_of
from embedded.receiver.answers.steps import Steps
from embedded.receiver.kept.store import Store
from embedded.receiver.kept.trace import KeptTrace
from embedded.receiver.model import Point, TraceList

Asked = Dependency(skip_validation=True)
_TRACES = {"asked": Provide(TraceQuery, sync_to_thread=False)}
_LINES = {"asked": Provide(LineQuery, sync_to_thread=False)}
_METRIC = {"asked": Provide(MetricQuery, sync_to_thread=False)}


@get("/api/traces", sync_to_thread=False, dependencies=_TRACES)
def list_traces(state: State, asked: Annotated[TraceQuery, Asked]) -> TraceList:
    return find_traces(state.store, asked)


@get("/api/traces/{trace_id:str}", sync_to_thread=False)
def get_trace(state: State, trace_id: str) -> Response[bytes]:
    return _json(trace_json(_entry(state.store, trace_id)))


@get("/api/traces/{trace_id:str}/linked", sync_to_thread=False)
def get_linked(
    state: State, trace_id: str, traces: Annotated[int, Parameter(ge=1, le=200)] = 50
) -> Response[bytes]:
    entry = _entry(state.store, trace_id)
    if not entry.spans:
        raise NotFoundException(f"of trace {entry.trace_id} no span is kept")
    return _json(linked_json(state.store, entry, traces))


@get("/api/services", sync_to_thread=False)
def list_services(state: State) -> list[str]:
    return sorted({name for entry in state.store.traces() for name in entry.facts.services})


@get("/api/spans", sync_to_thread=False)
def list_spans(
    state: State, service: str = "", name: str = "", kind: str = "", trace_id: str = ""
) -> Response[bytes]:
    fields = {"service": service, "name": name, "kind": kind, "trace_id": trace_id}
    wanted = [(field, value) for field, value in fields.items() if value]
    rows = (row for entry in state.store.traces() for row in entry.spans.values())
    fit = (row for row in rows if all(getattr(row, one) == value for one, value in wanted))
    return _json(list_json(fit))


@get("/api/logs", sync_to_thread=False, dependencies=_LINES)
def list_logs(state: State, asked: Annotated[LineQuery, Asked]) -> Response[bytes]:
    return _json(logs_json(state.store.logs(), asked))


@get("/api/sentry", sync_to_thread=False, dependencies=_LINES)
def list_sentry(state: State, asked: Annotated[LineQuery, Asked]) -> Response[bytes]:
    return _json(sentry_json(state.store.sentry(), asked))


@get("/api/metrics", sync_to_thread=False)
def list_metrics(state: State) -> dict[str, list[dict[str, Any]]]:
    return catalogue(state.store)


@get("/api/metrics/series", sync_to_thread=False, dependencies=_METRIC)
def get_metric(state: State, asked: Annotated[MetricQuery, Asked]) -> MetricOverTime:
    return over_time(state.store, asked)


@get("/api/metrics/points", sync_to_thread=False)
def list_points(state: State, service: str = "", name: str = "") -> list[Point]:
    return [
        point
        for point in state.store.metrics.latest()
        if (not service or point.service == service) and (not name or point.name == name)
    ]


@get("/api/overview", sync_to_thread=False)
def get_overview(
    state: State, begin: From = None, end: To = None, step: Seconds = None, service: str = ""
) -> dict[str, Any]:
    """Asked again within a step, and before another point has come, it says the same."""
    steps, store = Steps(begin, end, step), state.store
    question = (service, steps.length, steps.begin // steps.length, steps.end // steps.length)
    answer: dict[str, Any] = state.remembered.get(
        store.versions["metrics"], question, lambda: overview(store, steps, service, state.tallies)
    )
    return answer


@get("/api/map", sync_to_thread=False)
def get_map(state: State, window: Annotated[float, Parameter(ge=0, le=1e7)] = 900) -> Map:
    return map_of(state.store, window)


@get("/api/status", sync_to_thread=False)
def get_status(state: State) -> Status:
    return status_of(state.store)


@get("/api/live", sync_to_thread=False)
def get_live(state: State) -> Stream:
    return Stream(state.live.stream(), media_type="text/event-stream")


@delete("/api/everything", sync_to_thread=False)
def clear(state: State) -> None:
    """Forget all that was received: a test begins with nothing."""
    state.store.clear()


@get("/health", sync_to_thread=False)
def health() -> dict[str, str]:
    return {"status": "ok"}


def _json(body: bytes) -> Response[bytes]:
    return Response(body, media_type=MediaType.JSON)


def _entry(store: Store, text: str) -> KeptTrace:
    entry = store.trace(trace_id_of(text) or text.lower())
    if entry is None:
        raise NotFoundException(f"no trace {text[:100]} is kept")
    return entry


ANSWERS = [
    *(list_traces, get_trace, get_linked, list_services, list_spans, list_logs, list_sentry),
    *(list_metrics, get_metric, list_points, get_overview, get_map),
    *(get_status, get_live, clear, health),
]
