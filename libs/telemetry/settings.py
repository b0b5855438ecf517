"""Settings from environment variables, read once at a service's composition root.

A settings type is a frozen msgspec Struct with ``rename="upper"``: the field ``log_level`` is the
variable LOG_LEVEL. A wrong value ends in a ``SettingsError`` of one line that names the variable
and what it takes, and never shows the value, which may be a secret.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeVar
from urllib.parse import unquote

import msgspec
from msgspec import inspect

S = TypeVar("S", bound=msgspec.Struct)

PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
ExporterName = Literal["otlp", "none"]

# What a client sends: a token (RFC 9110) and printable text. Behind what OpenTelemetry's own parser
# takes: it writes the rest, which may be a secret, into the log.
_HEADER: Final = re.compile(r"([\w!#$%&'*+.^`|~-]+)[ \t]*=([ !#-+\--:<-\[\]-~]*)", re.ASCII)
_VISIBLE: Final = re.compile(r"[ -~]*")


class SettingsError(ValueError):
    """A variable is missing or wrong. Its text is one line for the operator."""


def read_settings(
    kind: type[S], environ: Mapping[str, str], defaults: Mapping[str, str] | None = None
) -> S:
    """Build a settings Struct from environment variables.

    An empty or blank variable counts as not set. ``defaults`` stand in for variables that are
    not set: what a service knows better than the Struct, such as its OTEL_SERVICE_NAME.

    Raises:
        SettingsError: a value is missing, has the wrong type, or the Struct refuses it.
    """
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    values = {**(defaults or {}), **given}
    names = {field.encode_name for field in msgspec.structs.fields(kind)}
    ours = {name: value for name, value in values.items() if name in names}
    for name, value in ours.items():
        if "\0" in value:  # in a path or a host's name it fails with a line that names nothing
            raise SettingsError(f"{name} has a NUL character in it")
    try:
        return msgspec.convert(ours, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(kind, str(error))) from None


def _explain(kind: type[msgspec.Struct], message: str) -> str:
    takes = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    if missing := re.search(r"missing required field `(\w+)`", message):
        name = missing[1]
        return f"{name} is not set: it takes {_described(inspect.type_info(takes[name]))}"
    if wrong := re.search(r"at `\$\.(\w+)", message):
        name = wrong[1]
        return f"{name} takes {_described(inspect.type_info(takes[name]))}"
    return " ".join(message.split())


def _described(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case inspect.BoolType():
            return "true or false"
        case (
            inspect.IntType(gt=gt, ge=ge, lt=lt, le=le)
            | inspect.FloatType(gt=gt, ge=ge, lt=lt, le=le)
        ):
            bounds = {"above": gt, "at least": ge, "below": lt, "at most": le}
            limits = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
            number = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return " ".join([number, " and ".join(limits)]).strip()
        case inspect.UnionType(types=types):
            choices = (_described(choice) for choice in types if choice != inspect.NoneType())
            return " or ".join(choices)
        case _:
            return "text"


class TelemetrySettings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """What leaves this process, in which form, and where to.

    The OTEL_* names are the OpenTelemetry specification's; those not listed here
    (OTEL_RESOURCE_ATTRIBUTES, OTEL_EXPORTER_OTLP_TIMEOUT and so on) are read by its SDK. Without
    ``otel_exporter_otlp_endpoint`` nothing is exported; spans exist all the same, for the ids in
    logs and answers. ``otel_sdk_disabled`` turns the spans off as well.

    - ``otel_exporter_otlp_headers``: ``name=value``, comma separated; may hold a secret.
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
    otel_sdk_disabled: bool = False
    otel_exporter_otlp_endpoint: str | None = None
    otel_exporter_otlp_protocol: Literal["http/protobuf", "grpc"] = "http/protobuf"
    otel_exporter_otlp_headers: str | None = None
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
    otel_blrp_schedule_delay: PositiveInt = 1000
    otel_metric_export_interval: PositiveInt = 10_000
    sentry_dsn: str | None = None
    sentry_environment: str | None = None
    sentry_release: str | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    telemetry_http: Literal["lean", "stock"] = "lean"
    telemetry_record_span: Literal["link", "parent"] = "link"

    def __post_init__(self) -> None:
        """Refuse what the exporters could not use, and would complain of with the value.

        Raises:
            ValueError: names the variable and what it takes.
        """
        endpoint = self.otel_exporter_otlp_endpoint
        if endpoint is not None and not re.match(r"https?://[^/\s@]+(/[^@]*)?$", endpoint):
            raise ValueError("OTEL_EXPORTER_OTLP_ENDPOINT takes an http:// or https:// address")
        if not _are_headers(self.otel_exporter_otlp_headers or ""):
            raise ValueError(
                "OTEL_EXPORTER_OTLP_HEADERS takes name=value, comma separated, URL encoded"
            )
        if self.sentry_dsn is not None and not _is_dsn(self.sentry_dsn):
            raise ValueError("SENTRY_DSN takes a DSN: https://key@host/project")

    def __repr__(self) -> str:
        """Without headers and DSN: settings end up in logs and error pages."""
        return f"TelemetrySettings({self.otel_service_name} -> {self.otel_exporter_otlp_endpoint})"


def _are_headers(text: str) -> bool:
    for part in filter(None, map(str.strip, text.split(","))):
        header = _HEADER.fullmatch(part)
        if header is None or not all(_VISIBLE.fullmatch(unquote(it)) for it in header.groups()):
            return False
    return True


def _is_dsn(text: str) -> bool:
    from sentry_sdk.utils import BadDsn, Dsn  # only who uses Sentry has to import it

    try:
        Dsn(text)
    except (BadDsn, ValueError):
        return False
    return True
