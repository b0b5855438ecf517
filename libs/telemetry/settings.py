"""What telemetry reads from the environment: see ``TelemetrySettings``."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import unquote

import msgspec

from telemetry.destinations import OtlpSettings
from telemetry.environment import read_settings
from telemetry.propagation import installed_propagators
from telemetry.variables import check_variables

PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
ExporterName: TypeAlias = Literal["otlp", "console", "none"]

_ATTRIBUTE: Final = re.compile(r"\s*[^=,\s]+\s*=[^,]*")


class TelemetrySettings(OtlpSettings, frozen=True, kw_only=True, rename="upper"):
    """What leaves this process, in which form, and where to.

    The OTEL_* names are the OpenTelemetry specification's; ``telemetry.variables`` says of each of
    them whether it is honoured. Without an endpoint nothing is exported; spans exist all the same,
    for the ids in logs and answers. ``otel_sdk_disabled`` turns the spans off as well.

    - ``otel_propagators``: comma separated; what is installed (``tracecontext``, ``baggage``, and
      others from packages), over HTTP and through records.
    - ``otel_…_exporter``: ``console`` writes to standard output, without any endpoint.
    - ``otel_exporter_otlp_metrics_temporality_preference``: ``delta`` sends what is new since the
      last export, ``lowmemory`` does so for histograms alone.
    - ``otel_traces_sampler_arg``: the share of new traces that the two ratio samplers keep.
    - ``otel_bsp_max_queue_size``: spans kept while the Collector is slow or away (about 1 KB
      each); what comes on top is dropped. ``otel_blrp_max_queue_size`` is the same for logs.
    - ``otel_bsp_max_export_batch_size``: spans per export at most. The specification's 512 makes
      four times the requests; 2048 spans are about 1 MB, a quarter of what a Collector takes.
    - ``otel_bsp_schedule_delay``, ``otel_blrp_schedule_delay``, ``otel_metric_export_interval``:
      milliseconds until what is buffered leaves.
    - ``sentry_release`` and ``sentry_environment`` also become service.version and
      deployment.environment.name, so that events and traces agree.
    - ``log_format``: ``auto`` is text on a terminal and JSON elsewhere.
    - ``telemetry_http``: the lean server-span middleware, or OpenTelemetry's stock one.
    - ``telemetry_record_span``: a record's process span is a new root linked to its send span
      (``link``), or its child (``parent``).
    """

    otel_service_name: str = "unknown_service"
    otel_resource_attributes: str | None = None
    otel_sdk_disabled: bool = False
    otel_propagators: str = "tracecontext,baggage"
    otel_exporter_otlp_metrics_temporality_preference: Literal[
        "cumulative", "delta", "lowmemory"
    ] = "cumulative"
    otel_traces_exporter: ExporterName = "otlp"
    otel_metrics_exporter: ExporterName = "otlp"
    otel_logs_exporter: ExporterName = "otlp"
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = "parentbased_always_on"
    otel_traces_sampler_arg: Ratio = 1.0
    otel_bsp_max_queue_size: PositiveInt = 16_384
    otel_bsp_max_export_batch_size: PositiveInt = 2048
    otel_bsp_schedule_delay: PositiveInt = 1000
    otel_blrp_max_queue_size: PositiveInt = 4096
    otel_blrp_max_export_batch_size: PositiveInt = 512
    otel_blrp_schedule_delay: PositiveInt = 1000
    otel_metric_export_interval: PositiveInt = 10_000
    otel_metrics_exemplar_filter: Literal["trace_based", "always_on", "always_off"] = "trace_based"
    sentry_dsn: str | None = None
    sentry_environment: str | None = None
    sentry_release: str | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    telemetry_http: Literal["lean", "stock"] = "lean"
    telemetry_record_span: Literal["link", "parent"] = "link"

    def __post_init__(self) -> None:
        """Refuse what could only fail later.

        Raises:
            ValueError: names the variable and what it takes.
        """
        OtlpSettings.__post_init__(self)
        if self.sentry_dsn is not None and not _is_dsn(self.sentry_dsn):
            raise ValueError("SENTRY_DSN takes a DSN: https://key@host/project")
        parts = filter(None, map(str.strip, (self.otel_resource_attributes or "").split(",")))
        if not all(map(_ATTRIBUTE.fullmatch, parts)):
            raise ValueError("OTEL_RESOURCE_ATTRIBUTES takes name=value, comma separated")
        known = installed_propagators()
        if not set(self.propagators) <= known:
            raise ValueError(
                f"OTEL_PROPAGATORS takes a list of {', '.join(sorted(known))}: these are installed"
                " (opentelemetry-propagator-b3 and others bring more), or none"
            )

    @property
    def propagators(self) -> tuple[str, ...]:
        """The propagators' names, each once, in order; none for ``none``."""
        names = [name.strip().lower() for name in self.otel_propagators.split(",")]
        return tuple(dict.fromkeys(name for name in names if name and name != "none"))

    @property
    def resource_attributes(self) -> dict[str, str]:
        """What OTEL_RESOURCE_ATTRIBUTES says."""
        return _attributes(self.otel_resource_attributes)

    def __repr__(self) -> str:
        """Without headers and DSN: settings end up in logs and error pages."""
        return f"TelemetrySettings({self.otel_service_name} -> {self.destination('traces')})"


def read_telemetry_settings(environ: Mapping[str, str], service: str) -> TelemetrySettings:
    """The settings of a service that is called ``service``, unless OTEL_SERVICE_NAME or the
    ``service.name`` of OTEL_RESOURCE_ATTRIBUTES says otherwise.

    Raises:
        SettingsError: a variable is wrong, or is one of OpenTelemetry's that would have no effect
            where somebody counts on it.
    """
    check_variables(environ)
    named = _attributes(environ.get("OTEL_RESOURCE_ATTRIBUTES")).get("service.name")
    return read_settings(TelemetrySettings, environ, {"OTEL_SERVICE_NAME": named or service})


def _attributes(text: str | None) -> dict[str, str]:
    pairs = (part.partition("=") for part in (text or "").split(","))
    return {name.strip(): unquote(value.strip()) for name, equals, value in pairs if equals}


def _is_dsn(text: str) -> bool:
    from sentry_sdk.utils import BadDsn, Dsn  # only who uses Sentry has to import it

    try:
        Dsn(text)
    except (BadDsn, ValueError):
        return False
    return True
