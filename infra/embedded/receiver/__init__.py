"""An OTLP and Sentry receiver that fits into a demo and a test: no Collector, no Grafana.

It takes traces, logs and metrics over OTLP (HTTP/protobuf, and gRPC when asked to), Sentry
envelopes, keeps the latest in memory within fixed bounds, and shows them: a JSON API for tests and
the tour, and the trace page for people. It is for looking at a demo; Grafana is for the rest.
"""

from embedded.receiver.client import Receiver

__all__ = ["Receiver"]
