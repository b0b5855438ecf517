"""OpenTelemetry's variables: each one of its list is honoured, refused in one line, or ignored."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping

import msgspec
import pytest
from opentelemetry.sdk import environment_variables

from telemetry import SettingsError, TelemetrySettings, read_telemetry_settings
from telemetry.variables import VARIABLES, Variable

FIELDS = {field.encode_name for field in msgspec.structs.fields(TelemetrySettings)}
WRONG = {"OTEL_SERVICE_NAME": None, "OTEL_BSP_SCHEDULE_DELAY": "soon"}
"""A value that no reader could use; None where any text is right."""


def named(variable: Variable) -> str:
    return variable.name


def started(**environ: str) -> TelemetrySettings:
    return read_telemetry_settings(environ, "bookapp")


def run(code: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60
    )


def test_the_list_has_every_variable_that_the_sdk_names() -> None:
    of_the_sdk = {name for name in vars(environment_variables) if name.startswith("OTEL_")}
    # Python's own, and what is left of Jaeger's exporter, are in no list of the specification.
    others = ("_PYTHON_", "_JAEGER_", "_RESOURCE_DETECTORS")
    of_the_sdk -= {name for name in of_the_sdk if any(other in name for other in others)}
    assert of_the_sdk - {variable.name for variable in VARIABLES} == set()


def test_the_list_names_each_once() -> None:
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)


@pytest.mark.parametrize("variable", VARIABLES, ids=named)
def test_a_variable_is_treated_as_the_list_says(variable: Variable) -> None:
    name = variable.name
    if variable.treatment == "setting":
        assert name in FIELDS
        return
    assert name not in FIELDS
    if variable.treatment == "refused":
        with pytest.raises(SettingsError, match=rf"^{name} is not supported here: .+$"):
            started(**{name: "anything"})
    elif variable.treatment == "sdk" and variable.takes:
        with pytest.raises(SettingsError, match=rf"^{name} takes {re.escape(variable.takes)}$"):
            started(**{name: "-1 what\nis this"})
    else:
        assert started(**{name: "anything"}) == started()


@pytest.mark.parametrize("variable", VARIABLES, ids=named)
def test_an_empty_variable_is_one_that_is_not_set(variable: Variable) -> None:
    assert started(**{variable.name: ""}) == started()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_PROPAGATORS", "tracecontext,nonsense"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "no equals sign"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "sometimes"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "some"),
        ("OTEL_RESOURCE_ATTRIBUTES", "no equals sign"),
    ],
)
def test_a_wrong_value_ends_the_start_of_a_service_with_one_line(name: str, value: str) -> None:
    environ = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", name: value}
    done = run("import bookapp.app", environ)
    assert done.returncode == 1
    *before, line = done.stderr.splitlines()
    # The SDK looks at OTEL_RESOURCE_ATTRIBUTES when it is imported, and writes a line of its own.
    assert len(before) <= (name == "OTEL_RESOURCE_ATTRIBUTES")
    assert line.startswith(f"bookapp: {name} takes ")
    assert value not in line.removeprefix(f"bookapp: {name}") or name == "OTEL_PROPAGATORS"


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "bookapp"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=shelf%20one,a=b"}, "shelf one"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b"}, "bookapp"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=one", "OTEL_SERVICE_NAME": "two"}, "two"),
    ],
)
def test_a_service_is_called_as_the_operator_says(environ: dict[str, str], name: str) -> None:
    assert started(**environ).otel_service_name == name


def test_what_the_operator_says_of_the_resource_counts_before_what_is_known() -> None:
    code = (
        "import os, json\n"
        "from telemetry import configure, read_telemetry_settings\n"
        "configure(read_telemetry_settings(os.environ, 'bookapp'))\n"
        "from opentelemetry import trace\n"
        "print(json.dumps(dict(trace.get_tracer_provider().resource.attributes)))"
    )
    environ = {
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=blue,team=books",
        "SENTRY_ENVIRONMENT": "green",
        "SENTRY_RELEASE": "7",
    }
    attributes = json.loads(run(code, environ).stdout)
    assert attributes["service.name"] == "bookapp"
    assert attributes["service.version"] == "7"
    assert attributes["deployment.environment.name"] == "blue"
    assert attributes["team"] == "books"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {"traces": None, "metrics": None, "logs": None}),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4318/"},
            {
                "traces": "http://all:4318/v1/traces",
                "metrics": "http://all:4318/v1/metrics",
                "logs": "http://all:4318/v1/logs",
            },
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "https://all/otlp",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:4318/as/it/is",
                "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc",
            },
            {
                "traces": "http://traces:4318/as/it/is",
                "metrics": "https://all/otlp/v1/metrics",
                "logs": "https://all/otlp",
            },
        ),
        (
            {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://metrics:1"},
            {"traces": None, "metrics": "http://metrics:1", "logs": None},
        ),
    ],
)
def test_each_signal_goes_to_its_own_endpoint(
    environ: dict[str, str], expected: dict[str, str | None]
) -> None:
    settings = started(**environ)
    for signal in ("traces", "metrics", "logs"):
        destination = settings.destination(signal)  # type: ignore[arg-type]  # of the three
        assert (destination and destination.url) == expected[signal]


def test_a_signal_has_headers_protocol_and_time_out_of_its_own() -> None:
    settings = started(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://all:4318",
        OTEL_EXPORTER_OTLP_HEADERS="tenant=all",
        OTEL_EXPORTER_OTLP_LOGS_HEADERS="tenant=logs",
        OTEL_EXPORTER_OTLP_LOGS_TIMEOUT="250",
        OTEL_EXPORTER_OTLP_TIMEOUT="2000",
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL="GRPC",
    )
    traces, metrics, logs = map(settings.destination, ("traces", "metrics", "logs"))
    assert traces
    assert metrics
    assert logs
    assert (traces.headers, traces.timeout, traces.protocol) == (
        {"tenant": "all"},
        2.0,
        "http/protobuf",
    )
    assert metrics.protocol == "grpc"
    assert (logs.headers, logs.timeout) == ({"tenant": "logs"}, 0.25)
    assert "logs" not in repr(logs).removeprefix("Destination(http://all:4318")


@pytest.mark.parametrize("signal", ["TRACES", "METRICS", "LOGS"])
def test_a_signal_is_written_to_standard_output_when_asked(signal: str) -> None:
    code = (
        "import logging, os\n"
        "from telemetry import configure, read_telemetry_settings\n"
        "telemetry = configure(read_telemetry_settings(os.environ, 'bookapp'))\n"
        "from opentelemetry import trace\n"
        "from telemetry.metrics import counter\n"
        "with trace.get_tracer('t').start_as_current_span('a-span'):\n"
        "    logging.getLogger('l').warning('a-line')\n"
        "counter('consumer.retries').add(1, {})\n"
        "telemetry.shutdown()"
    )
    done = run(code, {f"OTEL_{signal}_EXPORTER": "console", "LOG_LEVEL": "ERROR"})
    assert done.returncode == 0, done.stderr
    wanted = {"TRACES": "a-span", "METRICS": "consumer.retries", "LOGS": "a-line"}
    others = {word for name, word in wanted.items() if name != signal}
    if signal == "LOGS":
        done = run(code, {"OTEL_LOGS_EXPORTER": "console", "LOG_LEVEL": "WARNING"})
    assert wanted[signal] in done.stdout
    assert not any(word in done.stdout for word in others)
