"""An OTLP and Sentry receiver that fits into a demo and a test: no Collector, no Grafana.

It takes traces, logs and metrics over OTLP (HTTP/protobuf, and gRPC when asked to) and Sentry
envelopes (`intake`), keeps the latest in memory within fixed bounds (`kept`, `limits`), and shows
them: a JSON API (`answers`; docs/receiver-api.md), a page for people, and a terminal
(`python -m embedded.trace`). It is for looking at a demo; Grafana is for the rest.
"""

from embedded.receiver.client import ReceiverClient
from embedded.receiver.process import Receiver

__all__ = ["Receiver", "ReceiverClient"]
