"""A receiver as a process of its own, for the demo, for parts and for tests."""

import sys

from embedded.ports import LOOPBACK, in_use
from embedded.processes import Process, StartError
from embedded.receiver.client import ReceiverClient


class Receiver(ReceiverClient):
    """Starts `python -m embedded.receiver` and queries it. Raises StartError.

    `port` None takes a free one; with `grpc` it takes OTLP over gRPC as well; `memory` is what it
    keeps at most, in MiB, None for the default.
    """

    def __init__(
        self, port: int | None = None, *, grpc: bool = False, memory: int | None = None
    ) -> None:
        if port is not None and in_use(port):
            raise StartError(f"Port {port} for the trace page is in use: choose another one.")
        command = [sys.executable, "-m", "embedded.receiver", "--port", str(port or 0)]
        command += ["--grpc"] if grpc else []
        command += ["--memory", str(memory)] if memory is not None else []
        self.process = Process("The telemetry receiver", command)
        try:
            listening = self.process.wait_for_line(r"^listening on (\d+)$", 30)
            self.port = int(listening.group(1))
            self.grpc_endpoint = ""
            """Value for OTEL_EXPORTER_OTLP_ENDPOINT over gRPC."""
            if grpc:
                port_line = self.process.wait_for_line(r"^grpc on (\d+)$", 5)
                self.grpc_endpoint = f"http://{LOOPBACK}:{port_line.group(1)}"
        except BaseException:
            self.process.kill()
            raise
        super().__init__(f"http://{LOOPBACK}:{self.port}")

    @property
    def endpoint(self) -> str:
        """Value for OTEL_EXPORTER_OTLP_ENDPOINT over HTTP/protobuf."""
        return self.url

    @property
    def sentry_dsn(self) -> str:
        """A Sentry DSN whose events come here."""
        return f"http://public@{LOOPBACK}:{self.port}/1"

    def close(self) -> None:
        super().close()
        self.process.stop(timeout=5)
