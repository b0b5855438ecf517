"""The receiver's HTTP side: OTLP and Sentry in, JSON and the trace page out."""

from pathlib import Path
from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import Parameter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from embedded.receiver import otlp, sentry
from embedded.receiver.bodies import LIMIT, body_of, message_of
from embedded.receiver.model import Log, Point, SentryEvent, Span, Trace, TraceSummary
from embedded.receiver.store import Store, summary_of

_PAGE = Path(__file__).parent / "page"
_HEADERS = {
    # Nothing from anywhere else, no inline script: what a service sends stays text.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_ACCEPTED = Response(b"", media_type="application/x-protobuf")


@post("/v1/traces", status_code=200)
async def take_traces(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    message = await message_of(request, ExportTraceServiceRequest)
    state.store.add_spans(otlp.spans_of(message))
    return _ACCEPTED


@post("/v1/logs", status_code=200)
async def take_logs(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    message = await message_of(request, ExportLogsServiceRequest)
    state.store.add_logs(otlp.logs_of(message))
    return _ACCEPTED


@post("/v1/metrics", status_code=200)
async def take_metrics(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    message = await message_of(request, ExportMetricsServiceRequest)
    state.store.add_points(otlp.points_of(message))
    return _ACCEPTED


@post("/api/{project:int}/envelope", status_code=200)
async def take_envelope(
    project: int, request: Request[Any, Any, Any], state: State
) -> dict[str, str]:
    """Any project is taken: a DSN on loopback needs no account."""
    try:
        events = list(sentry.events_of(await body_of(request)))
    except ValueError as error:
        raise ClientException(str(error)) from error
    state.store.add_sentry(events)
    return {"id": events[0].event_id if events else ""}


@get("/api/traces", sync_to_thread=False)
def list_traces(
    state: State,
    service: str = "",
    name: str = "",
    errors: bool = False,
    limit: Annotated[int, Parameter(ge=1, le=2_000)] = 100,
) -> list[TraceSummary]:
    """The latest first; `service` any of the trace's, `name` a part of any span's name."""
    found: list[TraceSummary] = []
    for trace in state.store.traces():
        if service and all(span.service != service for span in trace.spans):
            continue
        if name and all(name.lower() not in span.name.lower() for span in trace.spans):
            continue
        summary = summary_of(trace)
        if errors and not (summary.errors or summary.sentry):
            continue
        found.append(summary)
        if len(found) == limit:
            break
    return found


@get("/api/traces/{trace_id:str}", sync_to_thread=False)
def get_trace(state: State, trace_id: str) -> Trace:
    trace: Trace | None = state.store.trace(trace_id.lower())
    if trace is None:
        raise NotFoundException(f"no trace {trace_id} is kept")
    return trace


@get("/api/services", sync_to_thread=False)
def list_services(state: State) -> list[str]:
    return sorted({span.service for trace in state.store.traces() for span in trace.spans})


@get("/api/spans", sync_to_thread=False)
def list_spans(
    state: State, service: str = "", name: str = "", kind: str = "", trace_id: str = ""
) -> list[Span]:
    wanted = _matcher(service=service, name=name, kind=kind, trace_id=trace_id)
    found: list[Span] = state.store.spans(wanted)
    return found


@get("/api/logs", sync_to_thread=False)
def list_logs(
    state: State, service: str = "", level: str = "", trace_id: str = "", span_id: str = ""
) -> list[Log]:
    wanted = _matcher(service=service, level=level, trace_id=trace_id, span_id=span_id)
    found: list[Log] = state.store.logs(wanted)
    return found


@get("/api/metrics", sync_to_thread=False)
def list_metrics(state: State, service: str = "", name: str = "") -> list[Point]:
    found: list[Point] = state.store.points(_matcher(service=service, name=name))
    return found


@get("/api/sentry", sync_to_thread=False)
def list_sentry(state: State) -> list[SentryEvent]:
    found: list[SentryEvent] = state.store.sentry()
    return found


@delete("/api/everything", sync_to_thread=False)
def clear(state: State) -> None:
    """Forget all that was received: a test begins with nothing."""
    state.store.clear()


@get("/health", sync_to_thread=False)
def health() -> dict[str, str]:
    return {"status": "ok"}


@get(["/", "/page.js", "/trace.js", "/dom.js", "/style.css"], sync_to_thread=False)
def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    name = request.scope["path"].strip("/") or "index.html"
    types = {"html": MediaType.HTML, "js": "text/javascript", "css": MediaType.CSS}
    return Response((_PAGE / name).read_bytes(), media_type=types[name.rsplit(".")[-1]])


def _matcher(**wanted: str) -> Any:
    """Whether an object's fields equal those that are not empty."""
    given = {field: value for field, value in wanted.items() if value}
    return lambda item: all(getattr(item, field) == value for field, value in given.items())


def _refuse_other_names(request: Request[Any, Any, Any]) -> None:
    if request.url.hostname not in ("127.0.0.1", "localhost"):
        raise ClientException("this receiver answers on 127.0.0.1 and localhost only")


def create_app(store: Store) -> Litestar:
    """Only loopback names are answered, so that no web page elsewhere reads what is kept here."""
    return Litestar(
        [
            *(take_traces, take_logs, take_metrics, take_envelope),
            *(list_traces, get_trace, list_services, list_spans, list_logs, list_metrics),
            *(list_sentry, clear, health, page),
        ],
        state=State({"store": store}),
        before_request=_refuse_other_names,
        response_headers=_HEADERS,
        request_max_body_size=LIMIT,
        openapi_config=None,
    )
