"""A receiver process and the questions that tests and the tour ask it."""

import sys
from typing import Any, TypeVar

import httpx
import msgspec

from embedded.closing import Closing
from embedded.ports import LOOPBACK, in_use
from embedded.processes import Process, StartError
from embedded.receiver.model import (
    Linked,
    Log,
    Point,
    SentryEvent,
    Span,
    Trace,
    TraceList,
    TraceSummary,
)

T = TypeVar("T")


class Receiver(Closing):
    """Starts `python -m embedded.receiver` and queries it. Raises StartError.

    `port` None takes a free one; with `grpc` it takes OTLP over gRPC as well.
    """

    def __init__(self, port: int | None = None, *, grpc: bool = False) -> None:
        if port is not None and in_use(port):
            raise StartError(f"Port {port} for the trace page is in use: choose another one.")
        command = [sys.executable, "-m", "embedded.receiver", "--port", str(port or 0)]
        self.process = Process("The telemetry receiver", [*command, *(["--grpc"] if grpc else [])])
        try:
            listening = self.process.wait_for_line(r"^listening on (\d+)$", 30)
            self.port = int(listening.group(1))
            self.grpc_endpoint = ""
            """Value for OTEL_EXPORTER_OTLP_ENDPOINT over gRPC."""
            if grpc:
                port_line = self.process.wait_for_line(r"^grpc on (\d+)$", 5)
                self.grpc_endpoint = f"http://{LOOPBACK}:{port_line.group(1)}"
        except BaseException:
            self.process.kill()
            raise
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._http = httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    @property
    def endpoint(self) -> str:
        """Value for OTEL_EXPORTER_OTLP_ENDPOINT over HTTP/protobuf."""
        return self.url

    @property
    def sentry_dsn(self) -> str:
        """A Sentry DSN whose events come here."""
        return f"http://public@{LOOPBACK}:{self.port}/1"

    def spans(self, **fields: str) -> list[Span]:
        """Spans whose `service`, `name`, `kind` and `trace_id` equal what is given."""
        return self._ask("/api/spans", list[Span], fields)

    def logs(self, **fields: str) -> list[Log]:
        """Log records by `service`, `level`, `trace_id`, `span_id`, in the order of time."""
        return self._ask_all("/api/logs", "logs", list[Log], fields)

    def metrics(self, **fields: str) -> list[Point]:
        """The latest point of each series, by `service` and `name`."""
        return self._ask("/api/metrics/points", list[Point], fields)

    def sentry_events(self) -> list[SentryEvent]:
        """Every Sentry event kept, in the order of time."""
        return self._ask_all("/api/sentry", "events", list[SentryEvent], {})

    def traces(self, **fields: str) -> list[TraceSummary]:
        """The latest begun first, by what docs/receiver-api.md has for GET /api/traces."""
        return self._ask("/api/traces", TraceList, fields).traces

    def trace(self, trace_id: str) -> Trace | None:
        """Everything of one trace, None when nothing of it has come."""
        response = self._http.get(f"/api/traces/{trace_id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return msgspec.json.decode(response.raise_for_status().content, type=Trace)

    def linked(self, trace_id: str) -> Linked | None:
        """The trace with what caused it and what it led to; None when no span of it has come."""
        response = self._http.get(f"/api/traces/{trace_id}/linked")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return msgspec.json.decode(response.raise_for_status().content, type=Linked)

    def linked_from(self, span: Span) -> list[Span]:
        """The spans that link to this one."""
        trace = self.trace(span.trace_id)
        links = [] if trace is None else trace.linked_from
        found = []
        for link in links:
            if link.span_id == span.span_id:
                candidates = self.spans(trace_id=link.from_trace_id)
                found += [one for one in candidates if one.span_id == link.from_span_id]
        return found

    def clear(self) -> None:
        """Forget all that was received."""
        self._http.delete("/api/everything").raise_for_status()

    def close(self) -> None:
        self._http.close()
        self.process.stop(timeout=5)

    def _ask_all(
        self, path: str, name: str, kind: type[list[T]], fields: dict[str, str]
    ) -> list[T]:
        """Every page of it, the oldest first."""
        found: list[T] = []
        while True:
            asked = {**fields, "sort": "-time", "limit": "2000", "offset": str(len(found))}
            answer = self._ask(path, dict[str, msgspec.Raw], asked)
            page = msgspec.json.decode(answer[name], type=kind)
            found += page
            if not page or len(found) >= msgspec.json.decode(answer["total"], type=int):
                return found

    def _ask(self, path: str, kind: type[T], fields: dict[str, Any]) -> T:
        response = self._http.get(path, params=fields).raise_for_status()
        return msgspec.json.decode(response.content, type=kind)
