"""The OpenTelemetry Collector on loopback, built from the Go modules that its project publishes.

Promises: it is made of exactly the parts that the manifest lists, in the version that it names; the
configuration files are used as they are (what differs between places comes from environment
variables); the binary is built once per manifest and kept. A cold build takes some minutes.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from embedded.native.cache import fingerprint, provide, run, tool
from embedded.native.gomodule import INSTALL_GO
from embedded.native.server import Server, lasting_port

BUILDER = "go.opentelemetry.io/collector/cmd/builder"


def collector_version(manifest: Path) -> str:
    """The version that a builder manifest names, for instance `0.145.0`."""
    found = re.search(r"^  version: (\S+)$", manifest.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{manifest.name} names no dist.version")
    return found[1]


def build(manifest: Path) -> Path:
    """The Collector that `manifest` describes, built when it is not in the cache.

    Raises MissingTool when there is no Go.
    """
    version = collector_version(manifest)
    builder = f"{BUILDER}@v{version}"  # the parts' own release: it checks that they are of one

    def fill(directory: Path) -> None:
        go = tool("go", INSTALL_GO)
        settings = {"GOBIN": str(directory), "CGO_ENABLED": "0"}
        run([go, "install", builder], cwd=directory, environ=settings)
        strict = ["--skip-strict-versioning=false", "--ldflags=-s -w"]
        command = [str(directory / "builder"), f"--config={manifest}", *strict]
        run(command, cwd=directory, environ=settings)
        (directory / "sources" / "otelcol-books").rename(directory / "otelcol")
        (directory / "builder").unlink()
        shutil.rmtree(directory / "sources")

    key = fingerprint(manifest.read_text(), builder)
    return provide(f"otelcol-{version}", key, fill) / "otelcol"


class Collector(Server):
    """One Collector with the configuration files `configs`, later ones laid over earlier ones.

    `port` is its OTLP/HTTP port; `ports` has those of the other listeners by the environment
    variable that sets them. `environ` are further variables that the files read.
    """

    name = "OpenTelemetry Collector"

    def __init__(
        self,
        manifest: Path,
        configs: Sequence[Path],
        environ: Mapping[str, str] | None = None,
        port: int = 0,
        directory: Path | None = None,
    ) -> None:
        super().__init__(port, directory)
        self._manifest = manifest
        self._configs = tuple(configs)
        self.ports = {
            name: lasting_port()
            for name in ("OTLP_GRPC_PORT", "PROMETHEUS_PORT", "HEALTH_PORT", "OWN_METRICS_PORT")
        }
        self._variables = {
            "COLLECTOR_HOST": "127.0.0.1",
            "OTLP_HTTP_PORT": str(self.port),
            **{name: str(number) for name, number in self.ports.items()},
            **(environ or {}),
        }
        self.url = f"http://127.0.0.1:{self.port}"

    def validate(self) -> str:
        """What `otelcol validate` says of the configuration; raises RuntimeError if it is bad."""
        command = [str(build(self._manifest)), "validate", *self._arguments()]
        return run(command, cwd=self.directory, environ=self._variables, timeout=60)

    def _arguments(self) -> list[str]:
        return [f"--config=file:{path}" for path in self._configs]

    def _command(self) -> Sequence[str | Path]:
        return [build(self._manifest), *self._arguments()]

    def _environ(self) -> Mapping[str, str]:
        return {**os.environ, **self._variables}

    def _ready(self) -> bool:
        health = f"http://127.0.0.1:{self.ports['HEALTH_PORT']}/"
        try:
            return httpx.get(health, timeout=1, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
