"""Each variable of OpenTelemetry's that is honoured has the effect that it says, seen from outside.

One process for each case, with telemetry as the services configure it, and Collectors that note
what reaches them. The table of all variables is ``telemetry.variables``; a row that is honoured and
has no case here fails the last test.
"""

import contextlib
import gzip
import os
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector import Collector

from embedded.native.certificates import Certificate, self_signed
from embedded.receiver import Receiver
from embedded.services import bare_environment
from embedded.waiting import wait_until
from telemetry.variables import VARIABLES

SIGNALS = ("traces", "metrics", "logs")
OTLP = "OTEL_EXPORTER_OTLP_"
NEVER = "600000"
SLOW = {
    "OTEL_BSP_SCHEDULE_DELAY": NEVER,
    "OTEL_BLRP_SCHEDULE_DELAY": NEVER,
    "OTEL_METRIC_EXPORT_INTERVAL": NEVER,
}
"""Nothing leaves before the end."""

PROGRAM = """
import json, logging, os, sys, time
from opentelemetry import metrics, propagate, trace
from opentelemetry.metrics import Observation
from telemetry import configure, read_telemetry_settings
from telemetry.metrics import histogram

telemetry = configure(read_telemetry_settings(os.environ, "probe"))
tracer, log = trace.get_tracer("probe"), logging.getLogger("probe")
meter = metrics.get_meter("probe")
meter.create_observable_gauge("patience", [lambda options: [Observation(options.timeout_millis)]])
meter.create_counter("things").add(1)
meter.create_histogram("sizes").record(3)
many = {f"a{n}": "x" * 50 for n in range(10)}

def work(count):
    for _ in range(count):
        link = trace.Link(trace.SpanContext(1, 2, True, trace.TraceFlags(1)), many)
        with tracer.start_as_current_span("probe", attributes=many, links=[link] * 5) as span:
            for _ in range(5):
                span.add_event("event", many)
            log.warning("line", extra=many)
        with tracer.start_as_current_span("plain") as span:
            histogram("http.server.request.duration").record(0.1, {}, span.get_span_context())

with tracer.start_as_current_span("carrier"):
    carrier = {}
    propagate.inject(carrier)
print("propagated", *sorted(carrier))
for line in sys.stdin:
    if line == "end\\n":
        break
    work(int(line))
    print("worked")
telemetry.shutdown()
"""


class Parsing(Collector):
    """What came, by signal."""

    def signals(self) -> set[str]:
        """Which came, by the end of their path."""
        return {path.rpartition("/")[2] for path, _, _ in self.requests}

    def headers(self, name: str) -> dict[str, set[str | None]]:
        found: dict[str, set[str | None]] = {}
        for path, headers, _ in self.requests:
            found.setdefault(path.rpartition("/")[2], set()).add(headers.get(name))
        return found

    def exports(self, signal: str) -> list[list[Any]]:
        """The spans, the log records or the metrics of each request."""
        return [
            list(_items(signal, _inflated(headers, body)))
            for path, headers, body in self.requests
            if path.endswith(signal)
        ]

    def spans(self, name: str = "probe") -> list[Any]:
        return [it for one in self.exports("traces") for it in one if it.name == name]

    def records(self) -> list[Any]:
        found = [it for one in self.exports("logs") for it in one]
        return [it for it in found if it.body.string_value == "line"]

    def metric(self, name: str) -> Any:
        """The last that came of this name."""
        return [it for one in self.exports("metrics") for it in one if it.name == name][-1]

    def resources(self) -> list[dict[str, str]]:
        requests = [body for path, _, body in self.requests if path.endswith("traces")]
        parsed = map(ExportTraceServiceRequest.FromString, requests)
        return [
            {it.key: it.value.string_value for it in group.resource.attributes}
            for request in parsed
            for group in request.resource_spans
        ]


def _inflated(headers: dict[str, str], body: bytes) -> bytes:
    unpack: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
    }
    return unpack.get(headers.get("content-encoding", ""), bytes)(body)


def _items(signal: str, body: bytes) -> Iterator[Any]:
    if signal == "traces":
        for spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            yield from (it for scope in spans.scope_spans for it in scope.spans)
    elif signal == "logs":
        for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
            yield from (it for scope in logs.scope_logs for it in scope.log_records)
    else:
        for metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            yield from (it for scope in metrics.scope_metrics for it in scope.metrics)


class Probe:
    """The program, with these variables."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**bare_environment(os.environ), "LOG_FORMAT": "text", **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.propagated = self.line().split()[1:]

    def _read(self) -> None:
        assert self.process.stderr
        with self.process.stderr as errors:
            self.errors.extend(iter(errors.readline, ""))

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def work(self, count: int = 1) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        while self.line() not in ("worked\n", ""):
            pass

    def end(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin
            assert self.process.stdout
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write("end\n")
                self.process.stdin.close()
            self.process.stdout.read()
        code = self.process.wait(30)
        self.reader.join()
        self.process.stdout.close()
        assert code == 0, self.errors


@pytest.fixture
def collectors() -> Iterator[Callable[..., Parsing]]:
    made: list[Parsing] = []

    def make(tls: ssl.SSLContext | None = None) -> Parsing:
        made.append(Parsing(tls))
        return made[-1]

    yield make
    for collector in made:
        collector.close()


@pytest.fixture
def collector(collectors: Callable[..., Parsing]) -> Parsing:
    return collectors()


@pytest.fixture
def probe() -> Iterator[Callable[..., Probe]]:
    """Starts the program: ``probe(**variables)``."""
    started: list[Probe] = []

    def start(**environ: str) -> Probe:
        started.append(Probe(environ))
        return started[-1]

    yield start
    for one in started:
        one.end()


Case = Callable[..., None]
SEEN: dict[str, str] = {}
"""By a variable: the test that sees its effect."""


def sees(*names: str) -> Callable[[Case], Case]:
    def noted(test: Case) -> Case:
        SEEN.update(dict.fromkeys(names, test.__name__))
        return test

    return noted


def all_of(what: str) -> list[str]:
    return [f"{OTLP}{what}", *(f"{OTLP}{signal.upper()}_{what}" for signal in SIGNALS)]


def run(probe: Any, collector: Parsing, *, count: int = 1, **environ: str) -> Probe:
    """From its start to its end."""
    started: Probe = probe(**{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **SLOW, **environ})
    started.work(count)
    started.end()
    return started


# What is sent at all, and as what


@sees("OTEL_SDK_DISABLED")
def test_nothing_is_sent_when_it_is_disabled(probe: Any, collector: Parsing) -> None:
    run(probe, collector, OTEL_SDK_DISABLED="true")
    assert collector.requests == []


@sees("OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME")
def test_the_resource_is_the_operator_s(probe: Any, collector: Parsing) -> None:
    run(
        probe,
        collector,
        OTEL_RESOURCE_ATTRIBUTES="team=books,service.name=a",
        OTEL_SERVICE_NAME="b",
    )
    assert [(it["team"], it["service.name"]) for it in collector.resources()] == [("books", "b")]


@sees("OTEL_PROPAGATORS")
@pytest.mark.parametrize(
    ("named", "headers"), [("tracecontext", ["traceparent"]), ("baggage", []), ("none", [])]
)
def test_what_is_named_is_propagated(probe: Any, named: str, headers: list[str]) -> None:
    assert probe(OTEL_PROPAGATORS=named).propagated == headers


@sees("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")
@pytest.mark.parametrize(
    ("sampler", "argument", "spans"),
    [
        ("always_off", "1", 0),
        ("always_on", "0", 20),
        ("traceidratio", "0", 0),
        ("traceidratio", "1", 20),
        ("parentbased_traceidratio", "0", 0),
    ],
)
def test_a_share_is_sampled(
    probe: Any, collector: Parsing, sampler: str, argument: str, spans: int
) -> None:
    environ = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}
    run(probe, collector, count=20, **environ)
    assert len(collector.spans("plain")) == spans


@sees(*(f"OTEL_{signal.upper()}_EXPORTER" for signal in SIGNALS))
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_without_an_exporter_is_not_sent(
    probe: Any, collector: Parsing, signal: str
) -> None:
    run(probe, collector, **{f"OTEL_{signal.upper()}_EXPORTER": "none"})
    assert collector.signals() == {*SIGNALS} - {signal}


# When


DELAYS = {
    "traces": "OTEL_BSP_SCHEDULE_DELAY",
    "metrics": "OTEL_METRIC_EXPORT_INTERVAL",
    "logs": "OTEL_BLRP_SCHEDULE_DELAY",
}


@sees(*DELAYS.values())
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_leaves_after_its_delay(probe: Any, collector: Parsing, signal: str) -> None:
    environ = {**SLOW, DELAYS[signal]: "100"}
    running = probe(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **environ)
    running.work()
    wait_until(collector.signals, what=f"the {signal}")
    time.sleep(0.3)
    assert collector.signals() == {signal}


@sees("OTEL_METRIC_EXPORT_TIMEOUT")
def test_what_observes_has_so_long(probe: Any, collector: Parsing) -> None:
    environ = {"OTEL_METRIC_EXPORT_TIMEOUT": "1234", "OTEL_METRIC_EXPORT_INTERVAL": "100"}
    running = probe(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **{**SLOW, **environ})
    wait_until(collector.signals, what="the metrics")
    running.end()
    (point,) = _items_of_first(collector, "patience").gauge.data_points
    assert 0 < point.as_double <= 1234


def _items_of_first(collector: Parsing, name: str) -> Any:
    return next(it for it in collector.exports("metrics")[0] if it.name == name)


@sees("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE")
@pytest.mark.parametrize(("prefix", "signal"), [("BSP", "traces"), ("BLRP", "logs")])
def test_an_export_has_so_many_at_most(
    probe: Any, collector: Parsing, prefix: str, signal: str
) -> None:
    run(probe, collector, count=20, **{f"OTEL_{prefix}_MAX_EXPORT_BATCH_SIZE": "3"})
    sizes = [len(items) for items in collector.exports(signal)]
    assert max(sizes) == 3
    assert sum(sizes) >= 20


@sees("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BLRP_MAX_QUEUE_SIZE")
@pytest.mark.parametrize(("prefix", "signal"), [("BSP", "traces"), ("BLRP", "logs")])
def test_so_many_wait_at_most(probe: Any, collector: Parsing, prefix: str, signal: str) -> None:
    """While the first batch is on its way, five wait; fifty were made."""
    collector.wait.clear()
    environ = {**SLOW, f"OTEL_{prefix}_MAX_QUEUE_SIZE": "5"}
    running = probe(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **environ)
    running.work(5)
    wait_until(lambda: signal in collector.signals(), what="the first batch")
    running.work(50)
    collector.wait.set()
    running.end()
    assert (
        10 <= sum(map(len, collector.exports(signal))) <= 12
    )  # the first may be the carrier alone


# How much of it


@sees(
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
)
@pytest.mark.parametrize(
    ("name", "of_spans", "of_records"),
    [("", 7, 7), ("SPAN_", 7, 50), ("LOGRECORD_", 50, 7)],
)
def test_values_are_cut(
    probe: Any, collector: Parsing, name: str, of_spans: int, of_records: int
) -> None:
    run(probe, collector, **{f"OTEL_{name}ATTRIBUTE_VALUE_LENGTH_LIMIT": "7"})
    for items, length in ((collector.spans(), of_spans), (collector.records(), of_records)):
        (item,) = items
        values = {it.key: it.value.string_value for it in item.attributes}
        assert len(values["a9"]) == length


@sees(
    "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
)  # fmt: skip
@pytest.mark.parametrize(
    ("name", "spans_too", "records_too"),
    [("", True, True), ("SPAN_", True, False), ("LOGRECORD_", False, True)],
)
def test_attributes_are_counted(
    probe: Any, collector: Parsing, name: str, spans_too: bool, records_too: bool
) -> None:
    run(probe, collector, **{f"OTEL_{name}ATTRIBUTE_COUNT_LIMIT": "3"})
    for items, limited in ((collector.spans(), spans_too), (collector.records(), records_too)):
        (item,) = items
        assert (len(item.attributes) == 3) is limited
        assert (item.dropped_attributes_count > 0) is limited


@sees(
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
)
def test_events_and_links_are_counted(probe: Any, collector: Parsing) -> None:
    limits = {
        "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
        "OTEL_SPAN_LINK_COUNT_LIMIT": "3",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "4",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "5",
    }
    run(probe, collector, **limits)
    (span,) = collector.spans()
    assert (len(span.events), len(span.links)) == (2, 3)
    assert {len(event.attributes) for event in span.events} == {4}
    assert {len(link.attributes) for link in span.links} == {5}


# Where to, and how


@sees(*all_of("ENDPOINT"))
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_goes_to_its_endpoint(
    probe: Any, collector: Parsing, collectors: Any, signal: str
) -> None:
    other = collectors()
    run(probe, collector, **{f"{OTLP}{signal.upper()}_ENDPOINT": f"{other.url}/as/it/is"})
    assert {path for path, _, _ in other.requests} == {"/as/it/is"}
    assert {path for path, _, _ in collector.requests} == {
        f"/v1/{it}" for it in SIGNALS if it != signal
    }


@sees(*all_of("PROTOCOL"))
@pytest.mark.parametrize("signal", ["", *SIGNALS])
def test_a_signal_goes_by_its_protocol(
    probe: Any, collector: Parsing, receiver: Receiver, signal: str
) -> None:
    name = f"{OTLP}{signal.upper()}_" if signal else OTLP
    environ = {f"{name}PROTOCOL": "grpc", f"{name}ENDPOINT": receiver.grpc_endpoint}
    run(probe, collector, **environ)
    assert collector.signals() == ({*SIGNALS} - {signal} if signal else set())
    arrived = {
        "traces": receiver.spans(service="probe"),
        "metrics": receiver.metrics(service="probe"),
        "logs": receiver.logs(service="probe"),
    }
    assert {it for it in SIGNALS if arrived[it]} == ({signal} if signal else {*SIGNALS})


@sees(*all_of("HEADERS"))
def test_a_signal_has_its_headers(probe: Any, collector: Parsing) -> None:
    run(probe, collector, **{f"{OTLP}HEADERS": "tenant=all"})
    assert collector.headers("tenant") == {signal: {"all"} for signal in SIGNALS}
    collector.requests.clear()
    run(probe, collector, **{f"{OTLP}{it.upper()}_HEADERS": f"tenant={it}" for it in SIGNALS})
    assert collector.headers("tenant") == {signal: {signal} for signal in SIGNALS}


@sees(*all_of("COMPRESSION"))
def test_a_signal_is_compressed(probe: Any, collector: Parsing) -> None:
    run(probe, collector, **{f"{OTLP}COMPRESSION": "gzip"})
    assert collector.headers("content-encoding") == {signal: {"gzip"} for signal in SIGNALS}
    assert collector.spans()
    collector.requests.clear()
    kinds = {"traces": "deflate", "metrics": "gzip", "logs": "none"}
    run(probe, collector, **{f"{OTLP}{it.upper()}_COMPRESSION": kinds[it] for it in SIGNALS})
    found = collector.headers("content-encoding")
    assert found == {"traces": {"deflate"}, "metrics": {"gzip"}, "logs": {None}}
    assert collector.spans()


@sees(*all_of("TIMEOUT"))
@pytest.mark.parametrize("signal", ["", *SIGNALS])
def test_a_signal_is_given_up_after_its_time(probe: Any, collector: Parsing, signal: str) -> None:
    """The others have a minute."""
    collector.wait.clear()
    name = f"{OTLP}{signal.upper()}_TIMEOUT" if signal else f"{OTLP}TIMEOUT"
    environ = {f"{OTLP}TIMEOUT": "60000", name: "300", **dict.fromkeys(DELAYS.values(), "100")}
    running = probe(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **environ)
    running.work()
    expected = {signal} if signal else {*SIGNALS}

    def lost() -> set[str]:
        return {it for it in SIGNALS for line in running.errors if f"{it} do not reach" in line}

    wait_until(lambda: lost() >= expected, 20, what="the end of the wait")
    assert lost() == expected


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Certificate, Certificate]:
    """The Collector's, and the client's."""
    directory = tmp_path_factory.mktemp("certificates")
    return self_signed(directory, "collector"), self_signed(directory, "client")


def tls(own: Certificate, client: Certificate | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    if client is not None:
        context.load_verify_locations(client.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@sees(*all_of("CERTIFICATE"))
@pytest.mark.parametrize("signal", ["", *SIGNALS])
def test_a_signal_trusts_its_certificate(
    probe: Any, collectors: Any, certificates: Any, signal: str
) -> None:
    own, _ = certificates
    collector = collectors(tls(own))
    name = f"{OTLP}{signal.upper()}_CERTIFICATE" if signal else f"{OTLP}CERTIFICATE"
    run(probe, collector, **{name: str(own.certificate), f"{OTLP}TIMEOUT": "3000"})
    assert collector.signals() == ({signal} if signal else {*SIGNALS})


@sees(*all_of("CLIENT_KEY"), *all_of("CLIENT_CERTIFICATE"))
@pytest.mark.parametrize("signal", ["", *SIGNALS])
def test_a_signal_shows_its_certificate(
    probe: Any, collectors: Any, certificates: Any, signal: str
) -> None:
    own, client = certificates
    collector = collectors(tls(own, client))
    name = f"{OTLP}{signal.upper()}_CLIENT" if signal else f"{OTLP}CLIENT"
    shown = {f"{name}_CERTIFICATE": str(client.certificate), f"{name}_KEY": str(client.key)}
    trusted = {f"{OTLP}CERTIFICATE": str(own.certificate), f"{OTLP}TIMEOUT": "3000"}
    run(probe, collector, **shown, **trusted)
    assert collector.signals() == ({signal} if signal else {*SIGNALS})


# Metrics


@sees(f"{OTLP}METRICS_TEMPORALITY_PREFERENCE")
@pytest.mark.parametrize(
    ("preference", "counter", "histogram"),
    [("cumulative", 2, 2), ("delta", 1, 1), ("lowmemory", 1, 1), ("", 2, 2)],
)
def test_metrics_have_the_temporality(
    probe: Any, collector: Parsing, preference: str, counter: int, histogram: int
) -> None:
    """1 is delta, 2 cumulative. Our own histograms are no other than the SDK's."""
    run(probe, collector, **{f"{OTLP}METRICS_TEMPORALITY_PREFERENCE": preference})
    assert collector.metric("things").sum.aggregation_temporality == counter
    for name in ("sizes", "http.server.request.duration"):
        assert collector.metric(name).histogram.aggregation_temporality == histogram


@sees(f"{OTLP}METRICS_DEFAULT_HISTOGRAM_AGGREGATION")
def test_histograms_have_explicit_buckets(probe: Any, collector: Parsing) -> None:
    """Nothing else is taken, and whatever the case."""
    name = f"{OTLP}METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
    run(probe, collector, **{name: "EXPLICIT_bucket_histogram"})
    for name in ("sizes", "http.server.request.duration"):
        assert collector.metric(name).histogram.data_points[0].explicit_bounds


@sees("OTEL_METRICS_EXEMPLAR_FILTER")
@pytest.mark.parametrize(
    ("chosen", "sampler", "there"),
    [
        ("always_off", "always_on", False),
        ("trace_based", "always_on", True),
        ("trace_based", "always_off", False),
        ("always_on", "always_off", True),
    ],
)
def test_exemplars_are_those_that_the_filter_lets_through(
    probe: Any, collector: Parsing, chosen: str, sampler: str, there: bool
) -> None:
    environ = {"OTEL_METRICS_EXEMPLAR_FILTER": chosen, "OTEL_TRACES_SAMPLER": sampler}
    run(probe, collector, **environ)
    (point,) = collector.metric("http.server.request.duration").histogram.data_points
    assert bool(point.exemplars) is there


def test_every_variable_that_is_honoured_has_a_test_of_its_effect() -> None:
    honoured = {it.name for it in VARIABLES if it.treatment in ("setting", "sdk")}
    assert honoured == SEEN.keys()
