"""Where each signal goes to over OTLP, with which headers: the OTEL_EXPORTER_OTLP_* variables.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/. A variable of one signal
(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) counts before the one for all. Two things differ from the
specification: without an endpoint nothing is exported, and http/json is refused.
"""

import re
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import unquote

import msgspec
from opentelemetry.util.re import parse_env_headers

Signal: TypeAlias = Literal["traces", "metrics", "logs"]
Protocol: TypeAlias = Literal["http/protobuf", "grpc"]
Milliseconds = Annotated[int, msgspec.Meta(gt=0)]

SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")

_ENDPOINT: Final = re.compile(r"https?://[^/\s@]+(/[^@\s]*)?")
# What a client sends: a token (RFC 9110) and printable text. Behind what OpenTelemetry's own parser
# takes: it writes the rest, which may be a secret, into the log.
_HEADER: Final = re.compile(r"([\w!#$%&'*+.^`|~-]+)[ \t]*=([ !#-+\--:<-\[\]-~]*)", re.ASCII)
_VISIBLE: Final = re.compile(r"[ -~]*")


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where one signal goes. ``url`` is the whole one over HTTP, the server's over gRPC; the
    time-out is in seconds, for one export with its retries."""

    url: str
    protocol: Protocol
    headers: dict[str, str] | None
    timeout: float

    @property
    def shown(self) -> str:
        """Scheme, host and port: what an operator may be told."""
        return re.sub(r"(?<=[^/:])/[^/].*|/$", "", self.url)

    def __repr__(self) -> str:
        """Without the headers, which may hold a secret."""
        return f"Destination({self.shown}, {self.protocol})"


class OtlpSettings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """The OTEL_EXPORTER_OTLP_* variables that say where to. Those for certificates and compression
    are read by the SDK.

    - ``…_endpoint``: over HTTP, ``/v1/traces`` and its like are put behind the one for all; that of
      one signal is taken as it is.
    - ``…_headers``: ``name=value``, comma separated; may hold a secret.
    - ``…_timeout``: milliseconds for one export with its retries, as the specification has it (the
      Python SDK takes seconds).
    """

    otel_exporter_otlp_endpoint: str | None = None
    otel_exporter_otlp_traces_endpoint: str | None = None
    otel_exporter_otlp_metrics_endpoint: str | None = None
    otel_exporter_otlp_logs_endpoint: str | None = None
    otel_exporter_otlp_protocol: Protocol = "http/protobuf"
    otel_exporter_otlp_traces_protocol: Protocol | None = None
    otel_exporter_otlp_metrics_protocol: Protocol | None = None
    otel_exporter_otlp_logs_protocol: Protocol | None = None
    otel_exporter_otlp_headers: str | None = None
    otel_exporter_otlp_traces_headers: str | None = None
    otel_exporter_otlp_metrics_headers: str | None = None
    otel_exporter_otlp_logs_headers: str | None = None
    otel_exporter_otlp_timeout: Milliseconds = 10_000
    otel_exporter_otlp_traces_timeout: Milliseconds | None = None
    otel_exporter_otlp_metrics_timeout: Milliseconds | None = None
    otel_exporter_otlp_logs_timeout: Milliseconds | None = None

    def __post_init__(self) -> None:
        """Refuse what the exporters could not use, and would complain of with the value.

        Raises:
            ValueError: names the variable and what it takes.
        """
        for signal in (None, *SIGNALS):
            endpoint, headers = self._of("endpoint", signal), self._of("headers", signal)
            if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
                raise ValueError(
                    f"{_name('endpoint', signal)} takes an http:// or https:// address"
                )
            if not _are_headers(headers or ""):
                raise ValueError(
                    f"{_name('headers', signal)} takes name=value, comma separated, URL encoded"
                )

    def destination(self, signal: Signal) -> Destination | None:
        """Where a signal goes to, None when nowhere."""
        protocol = self._of("protocol", signal) or self.otel_exporter_otlp_protocol
        url = self._of("endpoint", signal)
        if url is None and (common := self.otel_exporter_otlp_endpoint) is not None:
            url = common if protocol == "grpc" else f"{common.rstrip('/')}/v1/{signal}"
        if url is None:
            return None
        headers = self._of("headers", signal) or self.otel_exporter_otlp_headers
        return Destination(
            url=url,
            protocol=protocol,
            headers=dict(parse_env_headers(headers, liberal=True)) if headers else None,
            timeout=(self._of("timeout", signal) or self.otel_exporter_otlp_timeout) / 1000,
        )

    def _of(self, what: str, signal: Signal | None) -> Any:
        return getattr(self, _name(what, signal).lower())


def _name(what: str, signal: Signal | None) -> str:
    return "_".join(filter(None, ("OTEL_EXPORTER_OTLP", signal, what))).upper()


def _are_headers(text: str) -> bool:
    for part in filter(None, map(str.strip, text.split(","))):
        header = _HEADER.fullmatch(part)
        if header is None or not all(_VISIBLE.fullmatch(unquote(it)) for it in header.groups()):
            return False
    return True
