"""HTTP client spans, and the context that goes along."""

from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from telemetry.client import MAX_URL, TracedTransport

tracer = trace.get_tracer("test")


class Server:
    """Answers with a status, or fails; keeps the requests."""

    def __init__(self, status: int = 200, error: Exception | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self._status = status
        self._error = error

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._error is not None:
            raise self._error
        return httpx.Response(self._status)

    def client(self) -> httpx.AsyncClient:
        transport = TracedTransport(httpx.MockTransport(self))
        return httpx.AsyncClient(transport=transport, base_url="http://backend.test:8001")


async def test_a_call_is_a_client_span_named_by_its_template(emitted: Any) -> None:
    server = Server()
    with tracer.start_as_current_span("GET /books") as request:
        await server.client().get("/books/17", extensions={"url_template": "/books/{id}"})
    span = emitted.spans()[0]
    assert span.name == "GET /books/{id}"
    assert span.kind is SpanKind.CLIENT
    assert span.parent.span_id == request.get_span_context().span_id
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.full": "http://backend.test:8001/books/17",
        "url.template": "/books/{id}",
        "server.address": "backend.test",
        "server.port": 8001,
    }


async def test_the_client_span_is_what_the_server_gets_as_parent(emitted: Any) -> None:
    server = Server()
    await server.client().get("/books")
    span = emitted.span()
    traceparent = server.requests[0].headers["traceparent"]
    assert traceparent.split("-")[1:3] == [
        trace.format_trace_id(span.context.trace_id),
        trace.format_span_id(span.context.span_id),
    ]


async def test_without_a_template_the_name_has_no_path(emitted: Any) -> None:
    await Server().client().get("/books/17")
    assert emitted.span().name == "GET"


@pytest.mark.parametrize("status", [404, 503])
async def test_a_refusal_is_an_error_for_the_one_who_asked(emitted: Any, status: int) -> None:
    await Server(status).client().get("/books")
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == str(status)


async def test_no_answer_is_an_error_and_is_raised(emitted: Any) -> None:
    with pytest.raises(httpx.ConnectTimeout):
        await Server(error=httpx.ConnectTimeout("slow")).client().get("/books")
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "httpx.ConnectTimeout"
    assert not span.events


async def test_passwords_and_long_queries_are_not_shown(emitted: Any) -> None:
    url = "http://user:hunter2@backend.test/books?token=hunter2&ids=" + ",".join(["1234"] * 1000)
    await Server().client().get(url)
    shown = emitted.span().attributes["url.full"]
    assert shown.startswith("http://backend.test/books?token=REDACTED&ids=1234")
    assert len(shown) == MAX_URL
    assert "hunter2" not in emitted.span().to_json()


async def test_a_target_is_shown_as_it_goes_out(emitted: Any) -> None:
    asked = httpx.Request(
        "GET", "http://backend.test/books", extensions={"target": b"/books?ids=1,2&key=hunter2"}
    )
    await Server().client().send(asked)
    shown = emitted.span().attributes["url.full"]
    assert shown == "http://backend.test/books?ids=1,2&key=REDACTED"


async def test_the_duration_is_measured_by_template_with_an_exemplar(emitted: Any) -> None:
    template = {"url_template": "/measured/{id}"}
    await Server().client().get("/measured/1", extensions=template)
    point = emitted.histogram("http.client.request.duration", url__template="/measured/{id}")
    assert point.count == 1
    assert [e.span_id for e in point.exemplars] == [emitted.span().context.span_id]
    assert "url.full" not in point.attributes
