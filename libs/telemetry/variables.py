"""Every variable of OpenTelemetry's specification, and what it does here.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
https://opentelemetry.io/docs/specs/otel/protocol/exporter/. A variable is honoured (by our settings
or by the SDK), refused in one line where somebody would count on its effect, or ignored, and then
this list says why. A test walks the list.
"""

import os.path
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from telemetry.environment import SettingsError

Treatment: TypeAlias = Literal["setting", "sdk", "refused", "ignored"]


class Variable(msgspec.Struct, frozen=True):
    """``setting``: honoured by ``TelemetrySettings``. ``sdk``: honoured by the SDK; a value that it
    could not use is refused here. ``refused``: any value is. ``ignored``: none has an effect."""

    name: str
    treatment: Treatment
    note: str
    takes: str = ""


_CHECKS: Final[dict[str, Callable[[str], object]]] = {
    "a whole number": re.compile(r"\d+").fullmatch,
    "gzip, deflate or none": re.compile("gzip|deflate|none", re.IGNORECASE).fullmatch,
    "explicit_bucket_histogram": re.compile("explicit_bucket_histogram", re.IGNORECASE).fullmatch,
    "a file that can be read": lambda path: os.path.isfile(path) and os.access(path, os.R_OK),
}

_NUMBER: Final = "a whole number"
_FILE: Final = "a file that can be read"
_OTLP: Final = "OTEL_EXPORTER_OTLP_"


def _for_all_signals(what: str, treatment: Treatment, note: str, takes: str = "") -> list[Variable]:
    names = [f"{_OTLP}{signal}{what}" for signal in ("", "TRACES_", "METRICS_", "LOGS_")]
    return [Variable(name, treatment, note, takes) for name in names]


VARIABLES: Final[tuple[Variable, ...]] = (
    Variable("OTEL_SDK_DISABLED", "setting", "no spans, no metrics, nothing exported"),
    Variable(
        "OTEL_RESOURCE_ATTRIBUTES", "setting", "before what we know; behind OTEL_SERVICE_NAME"
    ),
    Variable("OTEL_SERVICE_NAME", "setting", "before service.name in OTEL_RESOURCE_ATTRIBUTES"),
    Variable("OTEL_LOG_LEVEL", "ignored", "LOG_LEVEL is for all of the process"),
    Variable("OTEL_PROPAGATORS", "setting", "over HTTP and through records"),
    Variable("OTEL_TRACES_SAMPLER", "setting", "the remote samplers are refused"),
    Variable("OTEL_TRACES_SAMPLER_ARG", "setting", "a share"),
    Variable("OTEL_CONFIG_FILE", "refused", "set the other variables instead"),
    Variable("OTEL_EXPERIMENTAL_CONFIG_FILE", "refused", "set the other variables instead"),
    # -- batches
    Variable("OTEL_BSP_SCHEDULE_DELAY", "setting", "1000 here, 5000 there"),
    Variable("OTEL_BSP_EXPORT_TIMEOUT", "ignored", "OTEL_EXPORTER_OTLP_TIMEOUT bounds an export"),
    Variable("OTEL_BSP_MAX_QUEUE_SIZE", "setting", "16384 here, 2048 there"),
    Variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "setting", "2048 here, 512 there"),
    Variable("OTEL_BLRP_SCHEDULE_DELAY", "setting", ""),
    Variable("OTEL_BLRP_EXPORT_TIMEOUT", "ignored", "OTEL_EXPORTER_OTLP_TIMEOUT bounds an export"),
    Variable("OTEL_BLRP_MAX_QUEUE_SIZE", "setting", "4096 here, 2048 there"),
    Variable("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "setting", ""),
    # -- limits
    Variable("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "sdk", "of spans and log records", _NUMBER),
    Variable("OTEL_ATTRIBUTE_COUNT_LIMIT", "sdk", "of spans and log records", _NUMBER),
    Variable("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "sdk", "", _NUMBER),
    Variable("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "sdk", "", _NUMBER),
    Variable("OTEL_SPAN_EVENT_COUNT_LIMIT", "sdk", "", _NUMBER),
    Variable("OTEL_SPAN_LINK_COUNT_LIMIT", "sdk", "a batch of records has a link each", _NUMBER),
    Variable("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "sdk", "", _NUMBER),
    Variable("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "sdk", "", _NUMBER),
    Variable("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "sdk", "", _NUMBER),
    Variable("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "sdk", "", _NUMBER),
    # -- OTLP
    *_for_all_signals("ENDPOINT", "setting", "nothing is exported without one"),
    *_for_all_signals("PROTOCOL", "setting", "http/json is refused"),
    *_for_all_signals("HEADERS", "setting", ""),
    *_for_all_signals("TIMEOUT", "setting", "milliseconds"),
    *_for_all_signals("COMPRESSION", "sdk", "", "gzip, deflate or none"),
    *_for_all_signals("CERTIFICATE", "sdk", "", _FILE),
    *_for_all_signals("CLIENT_KEY", "sdk", "", _FILE),
    *_for_all_signals("CLIENT_CERTIFICATE", "sdk", "", _FILE),
    *_for_all_signals("INSECURE", "ignored", "the endpoint says http:// or https://"),
    Variable(f"{_OTLP}SPAN_INSECURE", "ignored", "the endpoint says http:// or https://"),
    Variable(f"{_OTLP}METRIC_INSECURE", "ignored", "the endpoint says http:// or https://"),
    Variable(f"{_OTLP}METRICS_TEMPORALITY_PREFERENCE", "setting", "of all metrics"),
    Variable(
        f"{_OTLP}METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "sdk",
        "exponential histograms are refused",
        "explicit_bucket_histogram",
    ),
    # -- which exporter
    Variable("OTEL_TRACES_EXPORTER", "setting", "otlp, console or none; others are refused"),
    Variable("OTEL_METRICS_EXPORTER", "setting", "otlp, console or none; others are refused"),
    Variable("OTEL_LOGS_EXPORTER", "setting", "otlp, console or none; others are refused"),
    Variable("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "ignored", "no Zipkin exporter can be chosen"),
    Variable("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "ignored", "no Zipkin exporter can be chosen"),
    Variable("OTEL_EXPORTER_PROMETHEUS_HOST", "ignored", "metrics leave over OTLP"),
    Variable("OTEL_EXPORTER_PROMETHEUS_PORT", "ignored", "metrics leave over OTLP"),
    # -- metrics
    Variable("OTEL_METRICS_EXEMPLAR_FILTER", "setting", "of our histograms"),
    Variable("OTEL_METRIC_EXPORT_INTERVAL", "setting", "10000 here, 60000 there"),
    Variable("OTEL_METRIC_EXPORT_TIMEOUT", "sdk", "of collecting, not of sending", _NUMBER),
)


def check_variables(environ: Mapping[str, str]) -> None:
    """Refuse what would have no effect where somebody counts on it, and what the SDK cannot read.

    Raises:
        SettingsError: names the variable and what it takes.
    """
    for variable in VARIABLES:
        value = environ.get(variable.name, "").strip()
        if not value:
            continue
        if variable.treatment == "refused":
            raise SettingsError(f"{variable.name} is not supported here: {variable.note}")
        if variable.takes and not _CHECKS[variable.takes](value):
            raise SettingsError(f"{variable.name} takes {variable.takes}")
