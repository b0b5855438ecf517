"""What the demo promises to show, each checked on what came over OTLP.

Every check takes the steps and the library of what the receiver has, and says what it saw; the
demo waits until all of them hold, because telemetry comes in batches.
"""

from collections.abc import Callable, Sequence

import msgspec

from embedded.demo.story import Library, Story
from embedded.demo.tour import Step
from embedded.receiver.model import Span

TOPIC = "book_ingestion"


class Promise(msgspec.Struct, frozen=True):
    text: str
    kept: Callable[[dict[str, Step], Library], bool]


def is_sql(span: Span) -> bool:
    return "db.query.text" in span.attributes or "db.statement" in span.attributes


def is_insert(span: Span) -> bool:
    text = str(span.attributes.get("db.query.text") or span.attributes.get("db.statement") or "")
    return is_sql(span) and "INSERT" in text.upper()


def is_http_call(span: Span) -> bool:
    return span.kind == "client" and "http.request.method" in span.attributes


def _story(steps: dict[str, Step], library: Library, name: str) -> Story | None:
    step = steps.get(name)
    return None if step is None else library.story(step.trace_id)


def server_span(story: Story, name: str) -> Span | None:
    """The root span of bookapp's with this name."""
    spans = (node.span for node in story.roots)
    named = (span for span in spans if (span.service, span.name) == ("bookapp", name))
    return next((span for span in named if span.kind == "server"), None)


def send_spans(story: Story) -> list[Span]:
    return [one for one in story.spans() if one.name == f"send {TOPIC}" and one.kind == "producer"]


def process_span(send: Span, library: Library) -> Span | None:
    """The root span that processed what was sent: the one whose only link is to the send span."""
    for span in library.linked_from(send):
        named = span.name == f"process {TOPIC}" and span.kind == "consumer"
        if named and not span.parent_id and len(span.links) == 1:
            return span
    return None


def batch_spans(process: Span, library: Library) -> list[Span]:
    """The spans that did the work of several records at once, this one among them."""
    return library.linked_from(process)


def statements_of(process: Span, library: Library) -> list[Span]:
    """The SQL of a record's effect: below its own span, or below that of the batch it was in."""
    found: list[Span] = []
    for span in (process, *batch_spans(process, library)):
        story = library.story(span.trace_id)
        found += [one for one in (story.below(span) if story else ()) if is_sql(one)]
    return found


def _one_trace(steps: dict[str, Step], library: Library) -> bool:
    story = _story(steps, library, "add a book")
    server = server_span(story, "POST /books/add") if story else None
    if story is None or server is None:
        return False
    below = story.below(server)
    return any(is_insert(one) for one in below) and any(one in below for one in send_spans(story))


def _processed(steps: dict[str, Step], library: Library) -> Span | None:
    story = _story(steps, library, "add a book")
    sent = send_spans(story) if story else []
    return process_span(sent[0], library) if len(sent) == 1 else None


def _linked_root(steps: dict[str, Step], library: Library) -> bool:
    process = _processed(steps, library)
    return process is not None and process.trace_id != steps["add a book"].trace_id


def _effect(steps: dict[str, Step], library: Library) -> bool:
    process = _processed(steps, library)
    return process is not None and bool(statements_of(process, library))


def _bulk(steps: dict[str, Step], library: Library) -> bool:
    story = _story(steps, library, "add a few in bulk")
    sent = send_spans(story) if story else []
    return len(sent) > 1 and all(process_span(one, library) for one in sent)


def _one_call(steps: dict[str, Step], library: Library) -> bool:
    story = _story(steps, library, "list the books")
    if story is None or server_span(story, "GET /books") is None:
        return False
    calls = [span for span in story.spans() if is_http_call(span)]
    answers = [span for span in story.spans() if span.service == "backend"]
    received = any(span.parent_id == call.span_id for call in calls for span in answers)
    return len(calls) == 1 and received


def _log_lines(steps: dict[str, Step], library: Library) -> bool:
    story = _story(steps, library, "add a book")
    process = _processed(steps, library)
    if story is None or process is None:
        return False
    work = [library.story(one.trace_id) for one in (process, *batch_spans(process, library))]
    return _has_line(story, "bookapp") and any(_has_line(one, "backend") for one in work if one)


def _has_line(story: Story, service: str) -> bool:
    return any(log.service == service and log.span_id for log in story.logs)


def _not_found(steps: dict[str, Step], library: Library) -> bool:
    story = _story(steps, library, "ask for one that does not exist")
    server = server_span(story, "GET /books/{id}") if story else None
    return server is not None and server.attributes.get("http.response.status_code") == 404


def _error(steps: dict[str, Step], library: Library) -> bool:
    story = _story(steps, library, "make one error")
    server = server_span(story, "GET /books/{id}") if story else None
    if story is None or server is None or server.status != "error":
        return False
    ids = {"otel.trace_id": story.trace_id, "otel.span_id": server.span_id}
    return any(ids.items() <= event.tags.items() for event in story.sentry)


PROMISES: Sequence[Promise] = (
    Promise(f"POST /books/add is one trace: server → INSERT → send {TOPIC}", _one_trace),
    Promise(f"a new root span, process {TOPIC}, links to exactly that send span", _linked_root),
    Promise("the SQL of the record's effect is found from its process span", _effect),
    Promise("each book added in bulk has its own send span and linked process span", _bulk),
    Promise("GET /books makes one call to backend, however many books there are", _one_call),
    Promise("log lines of both services carry the ids of their spans", _log_lines),
    Promise("the 404 is a trace named by its route template", _not_found),
    Promise("the error is marked, and its Sentry event is tagged with its span's ids", _error),
)


def kept(steps: Sequence[Step], library: Library) -> list[tuple[Promise, bool]]:
    """Each promise, and whether it has been kept by now."""
    by_name = {step.name: step for step in steps}
    every_step = Promise(
        "every step's answer named its trace, and the trace came",
        lambda _, known: all(known.story(step.trace_id) is not None for step in steps),
    )
    return [(one, one.kept(by_name, library)) for one in (every_step, *PROMISES)]
