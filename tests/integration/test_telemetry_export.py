"""What leaves a process: over OTLP on the wire, at its end, and when nobody takes it.

Each test is a process of its own, since providers and logging are set up once per process.
"""

import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from typing import Any

import pytest

from embedded.receiver import Receiver
from embedded.testing import wait_until

SETTING_UP = """
import logging, os, sys, time
from opentelemetry import trace
from telemetry import TelemetrySettings, configure, kafka, read_settings
settings = read_settings(TelemetrySettings, os.environ, {"OTEL_SERVICE_NAME": "probe"})
telemetry = configure(settings)
log = logging.getLogger("probe")
tracer = trace.get_tracer("probe")
"""

REQUEST_AND_RECORD = """
with tracer.start_as_current_span("POST /books/add"):
    log.info("added %s", "a book", extra={"book_id": 17})
    stored = kafka.current_context_headers()
sent = kafka.start_send_span("books", b"17", parent=stored)
headers = kafka.inject(sent, [])
kafka.end_send_span(sent, partition=0, offset=5, error=None)
with kafka.process_span("books", 0, 5, b"17", headers, group="backend", body_size=9):
    try:
        raise LookupError("no shelf")
    except LookupError:
        log.exception("could not be shelved")
"""


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The code, after telemetry is set up, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    kept["PYTHONPATH"] = os.pathsep.join(sys.path)
    return subprocess.run(
        [sys.executable, "-c", SETTING_UP + textwrap.dedent(code)],
        env=kept | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def console(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.fixture(params=["http/protobuf", "grpc"])
def collector(request: pytest.FixtureRequest, receiver: Receiver) -> dict[str, str]:
    """The variables that send telemetry to the receiver, by either protocol."""
    grpc = request.param == "grpc"
    return {
        "OTEL_EXPORTER_OTLP_PROTOCOL": request.param,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint if grpc else receiver.endpoint,
    }


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_record_can_be_followed_from_either_end(
    receiver: Receiver, collector: dict[str, str]
) -> None:
    run(REQUEST_AND_RECORD + "telemetry.shutdown()", **collector)
    wait_until(lambda: len(receiver.spans(service="probe")) == 3)
    (request,) = receiver.spans(name="POST /books/add")
    (send,) = receiver.spans(name="send books")
    (process,) = receiver.spans(name="process books")
    assert (send.trace_id, send.parent_id) == (request.trace_id, request.span_id)
    assert send.kind == "producer"
    assert (process.kind, process.parent_id) == ("consumer", "")
    assert process.trace_id != send.trace_id
    assert [(link.trace_id, link.span_id) for link in process.links] == [
        (send.trace_id, send.span_id)
    ]
    assert process.resource["service.instance.id"]


def test_log_records_have_the_ids_of_their_span(
    receiver: Receiver, collector: dict[str, str]
) -> None:
    done = run(REQUEST_AND_RECORD + "telemetry.shutdown()", **collector)
    wait_until(lambda: len(receiver.logs(service="probe")) == 2)
    (request,) = receiver.spans(name="POST /books/add")
    (process,) = receiver.spans(name="process books")
    added, failed = receiver.logs(service="probe")
    assert (added.trace_id, added.span_id) == (request.trace_id, request.span_id)
    assert (added.message, added.attributes["book_id"]) == ("added a book", 17)
    assert (failed.trace_id, failed.span_id) == (process.trace_id, process.span_id)
    assert failed.attributes["exception.type"] == "LookupError"
    assert "no shelf" in failed.attributes["exception.stacktrace"]
    lines = console(done)
    assert [line["message"] for line in lines] == ["added a book", "could not be shelved"]
    assert [line["trace_id"] for line in lines] == [added.trace_id, failed.trace_id]
    assert [line["span_id"] for line in lines] == [added.span_id, failed.span_id]


def test_a_histogram_has_exemplars_that_lead_to_a_trace(
    receiver: Receiver, collector: dict[str, str]
) -> None:
    run(REQUEST_AND_RECORD + "telemetry.shutdown()", **collector)
    points = wait_until(lambda: receiver.metrics(name="messaging.process.duration"))
    (process,) = receiver.spans(name="process books")
    assert [(e.trace_id, e.span_id) for e in points[0].exemplars] == [
        (process.trace_id, process.span_id)
    ]
    (consumed,) = receiver.metrics(name="messaging.client.consumed.messages")
    assert consumed.value == 1


def test_what_is_buffered_leaves_when_the_process_just_ends(
    receiver: Receiver, collector: dict[str, str]
) -> None:
    run(REQUEST_AND_RECORD, **collector)
    wait_until(lambda: len(receiver.spans(service="probe")) == 3)


def test_the_samplers_decision_is_kept_across_the_link(
    receiver: Receiver, collector: dict[str, str]
) -> None:
    ratio = {
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
    }
    many = "for _ in range(100):\n" + textwrap.indent(REQUEST_AND_RECORD, "    ")
    run("log.disabled = True\n" + many, **collector, **ratio)
    spans = wait_until(lambda: receiver.spans(service="probe"))
    sends = {span.span_id for span in spans if span.kind == "producer"}
    links = {link.span_id for span in spans for link in span.links}
    assert 0 < len(sends) < 100
    assert links == sends


def test_without_an_endpoint_nothing_is_exported_and_nothing_complains() -> None:
    done = run(
        REQUEST_AND_RECORD
        + """
        import threading
        print([thread.name for thread in threading.enumerate()])
        telemetry.shutdown()
        """
    )
    assert done.stdout == "['MainThread']\n"
    assert [line["message"] for line in console(done)] == ["added a book", "could not be shelved"]
    assert all(len(line["trace_id"]) == 32 for line in console(done))


def test_with_the_sdk_disabled_there_are_no_spans(receiver: Receiver) -> None:
    done = run(
        REQUEST_AND_RECORD,
        OTEL_SDK_DISABLED="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    assert not receiver.spans()
    assert all("trace_id" not in line for line in console(done))


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_dead_collector_delays_the_end_by_no_more_than_the_given_time(
    nobody: str, protocol: str
) -> None:
    started = time.monotonic()
    done = run(
        REQUEST_AND_RECORD
        + """
        started = time.monotonic()
        telemetry.shutdown(timeout=1.0)
        print(time.monotonic() - started)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=nobody,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
    )
    assert float(done.stdout) < 2.0
    assert time.monotonic() - started < 15.0


def test_a_dead_collector_costs_bounded_memory_and_few_lines(nobody: str) -> None:
    done = run(
        """
        import resource, threading
        def spans(number):
            for _ in range(number):
                with tracer.start_as_current_span("GET /books", attributes={"n": "x" * 100}):
                    log.debug("not shown")
        spans(3_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        spans(60_000)
        log.warning("still here")
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
        telemetry.shutdown(timeout=0.1)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=nobody,
        OTEL_BSP_MAX_QUEUE_SIZE="2000",
        OTEL_BSP_SCHEDULE_DELAY="20",
    )
    assert float(done.stdout) < 20, "MB for 60,000 spans that nobody takes"
    complaints = [line for line in console(done) if line["logger"].startswith("opentelemetry")]
    assert len(complaints) < 10
    assert "still here" in [line["message"] for line in console(done)]


def test_the_exporters_own_errors_do_not_go_over_otlp(receiver: Receiver) -> None:
    done = run(
        """
        logging.getLogger("opentelemetry.exporter").error("the Collector is away")
        logging.getLogger("urllib3.connectionpool").warning("retrying")
        from opentelemetry.instrumentation.utils import suppress_instrumentation
        with suppress_instrumentation():
            log.error("while exporting")
        log.info("from the application")
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    wait_until(lambda: receiver.logs(service="probe"))
    assert [record.message for record in receiver.logs()] == ["from the application"]
    # The exporter's own words are kept for ours: "… do not reach …", see test_failures.py.
    said = [line["message"] for line in console(done)]
    assert said == ["retrying", "while exporting", "from the application"]


def test_a_forked_child_exports_what_it_does_under_an_instance_of_its_own(
    receiver: Receiver,
) -> None:
    run(
        """
        with tracer.start_as_current_span("parent"):
            pass
        child = os.fork()
        if child == 0:
            with tracer.start_as_current_span("child"):
                pass
            telemetry.shutdown()
            os._exit(0)
        os.waitpid(child, 0)
        telemetry.shutdown()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    wait_until(lambda: len(receiver.spans(service="probe")) == 2)
    (parent,) = receiver.spans(name="parent")
    (child,) = receiver.spans(name="child")
    key = "service.instance.id"
    assert parent.resource[key] != child.resource[key]


def test_a_second_configure_is_the_first_one_and_another_is_refused() -> None:
    done = run(
        """
        assert configure(settings) is telemetry
        assert len(logging.getLogger().handlers) == 1
        try:
            configure(TelemetrySettings(log_level="DEBUG"))
        except RuntimeError as error:
            print(error)
        telemetry.shutdown()
        telemetry.shutdown()
        """
    )
    assert done.stdout == "telemetry is configured already, with other settings\n"
