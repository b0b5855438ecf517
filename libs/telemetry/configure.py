"""``configure()``: everything a process needs to be observed, set up once, from its settings.

It promises that telemetry never breaks the work: without an endpoint nothing leaves the process
and nothing complains; a Collector that is away costs a bounded queue per signal; ``shutdown`` ends
in the time it is given, whatever the Collector does. Providers belong to the process that calls
``configure()``; the SDK starts their threads again in a child that is forked afterwards (with
gRPC, fork before: its library does not survive a fork, HTTP/protobuf does).
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable

from opentelemetry import metrics, trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from telemetry import exporters, kafka, later, logs
from telemetry.histograms import take_exemplars
from telemetry.metrics import HISTOGRAMS
from telemetry.propagation import propagate_by
from telemetry.reader import Reader
from telemetry.sampling import sampler
from telemetry.settings import TelemetrySettings

_current: "Telemetry | None" = None


class Telemetry:
    """The providers of this process, and how to end them."""

    def __init__(self, settings: TelemetrySettings) -> None:
        self.settings = settings
        # What to call at the end, and what then makes a call that hangs give up.
        self._stops: list[Callable[[], object]] = []
        self._aborts: list[Callable[[], object]] = []
        self._stopped = threading.Lock()

    def shutdown(self, timeout: float = 5.0) -> None:
        """Send what is buffered and end, within ``timeout`` seconds. A second call does nothing.

        Python's exit calls it too, but a signal's default action does not: uvicorn ends by one, so
        call this where an application's lifespan ends.
        """
        if not self._stopped.acquire(blocking=False):
            return
        deadline = time.monotonic() + timeout
        logs.detach_otlp()
        later.drain()
        threads = []
        for stop in self._stops:
            thread = threading.Thread(target=stop, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # Python 3.12.0 and 3.12.1 start none while they exit.
                stop()
            else:
                threads.append(thread)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            # They would now report their own end.
            logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
            for abort in self._aborts:
                abort()


def configure(settings: TelemetrySettings) -> Telemetry:
    """Set OpenTelemetry's global providers, logging and Sentry; call it once per process.

    A second call with equal settings returns the first one's result.

    Raises:
        RuntimeError: the process is configured already, with other settings.
    """
    global _current
    if _current is not None:
        if _current.settings == settings:
            return _current
        raise RuntimeError("telemetry is configured already, with other settings")
    telemetry = Telemetry(settings)
    resource = _resource(settings)
    propagate_by(settings.propagators)
    if settings.otel_sdk_disabled:
        metrics.set_meter_provider(NoOpMeterProvider())
        logs.configure_logging(settings, None)
    else:
        _set_up_traces(telemetry, resource)
        _set_up_metrics(telemetry, resource)
        logs.configure_logging(settings, _set_up_logs(telemetry, resource))
    kafka.relate_records_by(settings.telemetry_record_span)
    if settings.sentry_dsn:
        # Imported where it is used: Sentry's SDK costs a start 0.1 s.
        from telemetry.sentry import configure_sentry, flush_sentry

        configure_sentry(settings)
        telemetry._stops.append(lambda: flush_sentry(5.0))
    atexit.register(telemetry.shutdown)
    _current = telemetry
    return telemetry


def _resource(settings: TelemetrySettings) -> Resource:
    # The SDK adds service.instance.id, which keeps apart the metrics of several workers. What an
    # operator says in OTEL_RESOURCE_ATTRIBUTES counts before what is known otherwise.
    known = {
        "service.version": settings.sentry_release,
        "deployment.environment.name": settings.sentry_environment,
    }
    attributes = {name: value for name, value in known.items() if value}
    attributes |= settings.resource_attributes
    return Resource.create({**attributes, "service.name": settings.otel_service_name})


def _set_up_traces(telemetry: Telemetry, resource: Resource) -> None:
    settings = telemetry.settings
    provider = TracerProvider(sampler=sampler(settings), resource=resource, shutdown_on_exit=False)
    exporter = exporters.span_exporter(settings)
    if exporter is not None:
        provider.add_span_processor(exporters.span_processor(exporter, settings))
        telemetry._stops.append(provider.shutdown)
        telemetry._aborts.append(exporter.shutdown)
    trace.set_tracer_provider(provider)


def _set_up_metrics(telemetry: Telemetry, resource: Resource) -> None:
    settings = telemetry.settings
    exporter = exporters.metric_exporter(settings)
    if exporter is None:
        metrics.set_meter_provider(NoOpMeterProvider())
        return
    take_exemplars(settings.otel_metrics_exemplar_filter)
    reader = Reader(
        exporter,
        HISTOGRAMS,
        resource,
        settings.otel_metric_export_interval,
        exporters.histogram_temporality(settings),
    )
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    telemetry._stops.append(provider.shutdown)
    telemetry._aborts.append(exporter.shutdown)
    metrics.set_meter_provider(provider)


def _set_up_logs(telemetry: Telemetry, resource: Resource) -> LoggerProvider | None:
    settings = telemetry.settings
    exporter = exporters.log_exporter(settings)
    if exporter is None:
        return None
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(exporters.log_processor(exporter, settings))
    telemetry._stops.append(provider.shutdown)
    telemetry._aborts.append(exporter.shutdown)
    return provider
