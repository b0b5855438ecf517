"""The server span: the same from the lean middleware and from OpenTelemetry's stock one."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Stream
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from telemetry.http import instrument, record_exception
from telemetry.http.asgi import ASGIApp
from telemetry.settings import TelemetrySettings

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
Client = Callable[[ASGIApp], httpx.AsyncClient]


class OutOfPaper(Exception):
    pass


@get("/books/{book_id:int}")
async def get_book(book_id: FromPath[int]) -> dict[str, int]:
    return {"id": book_id}


@get("/current")
async def get_current() -> str:
    return trace.format_span_id(trace.get_current_span().get_span_context().span_id)


@get("/fails")
async def get_failure() -> None:
    raise OutOfPaper("no paper")


@get("/unavailable")
async def get_unavailable() -> None:
    raise HTTPException("later", status_code=503)


@post("/refuses")
async def refuse(request: Request[Any, Any, Any]) -> None:
    raise HTTPException("the title was: " + (await request.body()).decode(), status_code=400)


@get("/stream")
async def get_stream() -> Stream:
    async def lines() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    return Stream(lines())


@get("/health")
async def health() -> str:
    return "ok"


def litestar() -> ASGIApp:
    return Litestar(
        [get_book, get_current, get_failure, get_unavailable, refuse, get_stream, health],
        after_exception=[lambda error, scope: record_exception(error)],
        logging_config=None,
    )


@pytest.fixture(params=["lean", "stock"])
def client(request: pytest.FixtureRequest) -> Client:
    settings = TelemetrySettings(telemetry_http=request.param)

    def make(app: ASGIApp) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(
            instrument(app, settings, {"/health"}), raise_app_exceptions=False
        )
        return httpx.AsyncClient(transport=transport, base_url="http://books.test:8000")

    return make


async def test_a_span_ends_with_its_request(emitted: Any, client: Client) -> None:
    await client(litestar()).get("/books/17")
    answered = time.time_ns()
    time.sleep(0.02)  # noqa: ASYNC251  # a loop that is busy: what is put off comes later
    assert emitted.span().end_time <= answered


async def test_a_span_is_named_by_its_route_s_template(client: Client, emitted: Any) -> None:
    await client(litestar()).get("/books/17?limit=2", headers={"user-agent": "tests"})
    span = emitted.span()
    assert span.name == "GET /books/{book_id}"
    assert span.kind is SpanKind.SERVER
    assert span.parent is None
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/books/{book_id}",
        "http.response.status_code": 200,
        "url.path": "/books/17",
        "url.query": "limit=2",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "server.address": "books.test",
        "server.port": 8000,
        "client.address": "127.0.0.1",
        "client.port": 123,
        "user_agent.original": "tests",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/books/17", 200),
        ("GET", "/no/such", 404),
        ("PUT", "/books/1", 405),
        ("GET", "/fails", 500),
        ("POST", "/refuses", 400),
        ("GET", "/stream", 200),
    ],
)
async def test_every_response_carries_its_span_s_traceparent(
    client: Client, emitted: Any, method: str, path: str, status: int
) -> None:
    response = await client(litestar()).request(method, path)
    assert response.status_code == status
    context = emitted.span().context
    version, trace_id, span_id, _flags = response.headers["traceparent"].split("-")
    assert version == "00"
    assert (int(trace_id, 16), int(span_id, 16)) == (context.trace_id, context.span_id)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [("GET", "/no/such/17", "GET"), ("PUT", "/books/17", "PUT"), ("SPY", "/books/17", "HTTP")],
)
async def test_without_a_route_the_name_is_the_method_alone(
    client: Client, emitted: Any, method: str, path: str, name: str
) -> None:
    await client(litestar()).request(method, path)
    span = emitted.span()
    assert span.name == name
    assert "http.route" not in span.attributes


async def test_an_unknown_method_is_not_a_metric_s_attribute(client: Client, emitted: Any) -> None:
    await client(litestar()).request("SPY", "/books/17")
    attributes = emitted.span().attributes
    assert attributes["http.request.method"] == "_OTHER"
    assert attributes["http.request.method_original"] == "SPY"
    name = "http.server.request.duration"
    assert emitted.points(name, http__request__method="_OTHER")
    assert not emitted.points(name, http__request__method="SPY")


async def test_a_handled_failure_is_an_error_with_its_exception_once(
    client: Client, emitted: Any
) -> None:
    await client(litestar()).get("/fails")
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"].endswith("OutOfPaper")
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes["exception.message"] == "no paper"
    assert "get_failure" in event.attributes["exception.stacktrace"]


async def test_a_refusal_is_no_error_and_its_text_stays_here(client: Client, emitted: Any) -> None:
    await client(litestar()).post("/refuses", content=b"a secret title")
    span = emitted.span()
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in span.attributes
    assert "a secret title" not in span.to_json()


async def test_a_5xx_without_an_exception_is_an_error_by_its_status(
    client: Client, emitted: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 502, "headers": []})
        await send({"type": "http.response.body"})

    await client(app).get("/")
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "502"
    assert not span.events


async def test_an_exception_that_nobody_handles_is_answered_and_logged_in_its_span(
    client: Client, emitted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    class Spy(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(trace.get_current_span().get_span_context().span_id)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise OutOfPaper("no paper")

    spy = Spy()
    logging.getLogger("telemetry.http.request").addHandler(spy)
    try:
        response = await client(app).get("/")
    finally:
        logging.getLogger("telemetry.http.request").removeHandler(spy)
    assert response.status_code == 500
    assert "traceparent" in response.headers
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]
    assert seen == [span.context.span_id]


async def test_a_response_that_breaks_off_is_an_error_with_its_exception_once(
    client: Client, emitted: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise OutOfPaper("no paper")

    transport = client(app)._transport
    transport.raise_app_exceptions = True  # type: ignore[attr-defined]  # httpx's own option
    with pytest.raises(Exception, match="no paper"):
        await transport.handle_async_request(httpx.Request("GET", "http://books.test/"))
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["http.response.status_code"] == 200
    assert [event.name for event in span.events] == ["exception"]


async def test_a_request_that_is_given_up_ends_its_span_without_an_error(
    client: Client, emitted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    entered = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        entered.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(client(app).get("/"))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = emitted.span()
    assert span.status.status_code is StatusCode.UNSET
    assert "http.response.status_code" not in span.attributes
    assert "Failed to detach context" not in caplog.text


async def test_the_span_is_current_in_the_handler_and_not_afterwards(
    client: Client, emitted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client(litestar()).get("/current")
    assert response.text == trace.format_span_id(emitted.span().context.span_id)
    assert not trace.get_current_span().get_span_context().is_valid
    assert "Failed to detach context" not in caplog.text


async def test_concurrent_requests_keep_their_spans_apart(client: Client, emitted: Any) -> None:
    http = client(litestar())
    answers = await asyncio.gather(*(http.get("/current") for _ in range(20)))
    assert [a.text for a in answers] == [a.headers["traceparent"].split("-")[2] for a in answers]
    assert len(emitted.spans()) == 20


async def test_an_incoming_traceparent_is_the_parent(client: Client, emitted: Any) -> None:
    headers = {"traceparent": PARENT, "tracestate": "vendor=1"}
    response = await client(litestar()).get("/books/1", headers=headers)
    span = emitted.span()
    assert span.parent.span_id == 0xB7AD6B7169203331
    assert span.context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert span.context.trace_state["vendor"] == "1"
    assert response.headers["traceparent"].startswith(PARENT[:36])


@pytest.mark.parametrize(
    "traceparent",
    ["", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "ff" + PARENT[2:], PARENT + "-x"],
)
async def test_a_malformed_traceparent_is_ignored(
    client: Client, emitted: Any, traceparent: str
) -> None:
    response = await client(litestar()).get("/books/1", headers={"traceparent": traceparent})
    assert response.status_code == 200
    assert emitted.span().parent is None


async def test_what_is_not_sampled_is_not_recorded_and_still_traceable(
    client: Client, emitted: Any
) -> None:
    headers = {"traceparent": PARENT[:-2] + "00"}
    response = await client(litestar()).get("/books/1", headers=headers)
    assert emitted.spans() == []
    assert response.headers["traceparent"].startswith(PARENT[:36])
    assert int(response.headers["traceparent"][-2:], 16) & 1 == 0


async def test_the_duration_is_measured_by_route_with_an_exemplar(
    client: Client, emitted: Any
) -> None:
    name = "http.server.request.duration"
    labels = {"http__route": "/books/{book_id}", "http__response__status_code": 200}
    before = sum(point.count for point in emitted.points(name, **labels))
    await client(litestar()).get("/books/18")
    point = emitted.histogram(name, **labels)
    assert point.count == before + 1
    assert set(point.attributes) == {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "url.scheme",
    }
    assert emitted.span().context.span_id in {exemplar.span_id for exemplar in point.exemplars}


async def test_excluded_paths_and_other_scopes_are_not_traced(client: Client, emitted: Any) -> None:
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope["type"])

    response = await client(litestar()).get("/health")
    assert response.status_code == 200
    assert "traceparent" not in response.headers
    traced = client(app)._transport.app  # type: ignore[attr-defined]  # httpx's own attribute
    await traced({"type": "lifespan"}, None, None)
    await traced({"type": "websocket", "path": "/ws"}, None, None)
    assert scopes == ["lifespan", "websocket"]
    assert emitted.spans() == []


async def test_a_secret_in_the_query_is_left_out(client: Client, emitted: Any) -> None:
    await client(litestar()).get("/books/1?admin_token=hunter2&limit=3&sig=hunter2")
    assert emitted.span().attributes["url.query"] == "admin_token=REDACTED&limit=3&sig=REDACTED"


async def test_with_the_sdk_disabled_the_application_is_left_as_it_is() -> None:
    app = litestar()
    assert instrument(app, TelemetrySettings(otel_sdk_disabled=True)) is app
