"""What the backend tells of its work, received over OTLP."""

from collections.abc import Callable

from contracts.records import BookRecord
from embedded.receiver import Receiver
from embedded.testing import poll_until

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SEND_SPAN_ID = "b7ad6b7169203331"
TRACEPARENT = ("traceparent", f"00-{TRACE_ID}-{SEND_SPAN_ID}-01".encode())


async def test_a_record_and_a_request_can_be_followed_to_their_sql(
    backend, receiver: Receiver, topic, record: Callable[..., BookRecord]
) -> None:
    backend.env |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    backend.start()
    await topic.publish(record(7, title="S3cret"), headers=[TRACEPARENT])
    await backend.has(7)
    answer = await backend.get("/books?ids=7")
    await backend.get("/books/8")

    def received(name: str) -> list:
        return receiver.spans(service="backend", name=name)

    (process,) = await poll_until(lambda: received("process book_ingestion"))
    assert process.parent_id in ("", None)
    assert [(link.trace_id, link.span_id) for link in process.links] == [(TRACE_ID, SEND_SPAN_ID)]
    of_process = await poll_until(lambda: _statements(receiver, process))
    assert [statement.attributes["db.operation.name"] for statement in of_process] == ["INSERT"]

    (listed,) = await poll_until(lambda: received("GET /books"))
    assert answer.headers["traceparent"].split("-")[1] == listed.trace_id
    of_request = await poll_until(lambda: _statements(receiver, listed))
    assert [statement.attributes["db.operation.name"] for statement in of_request] == ["SELECT"]
    assert await poll_until(lambda: received("GET /books/{book_id}"))
    everything = receiver.spans(service="backend")
    assert not [span for span in everything if "health" in span.name]
    assert "S3cret" not in str(everything)


def _statements(receiver: Receiver, parent) -> list:
    spans = receiver.spans(service="backend", trace_id=parent.trace_id)
    return [span for span in spans if span.parent_id == parent.span_id]
