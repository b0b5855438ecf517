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
from embedded.native.server import Server, lasting_port

BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.129.0"
INSTALL_GO = "install Go 1.23 or newer"


def collector_version(manifest: Path) -> str:
    """The version that a builder manifest names, for instance `0.128.0`."""
    found = re.search(r"^  version: (\S+)$", manifest.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{manifest.name} names no dist.version")
    return found[1]


def build(manifest: Path) -> Path:
    """The Collector that `manifest` describes, built when it is not in the cache.

    Raises MissingTool when there is no Go.
    """
    text = manifest.read_text()
    version = collector_version(manifest)

    def fill(directory: Path) -> None:
        go = tool("go", INSTALL_GO)
        sources = directory / "sources"
        settings = {"GOBIN": str(directory), "CGO_ENABLED": "0"}
        run([go, "install", BUILDER], cwd=directory, environ=settings)
        # Only the sources: this builder is a release newer than the parts (its own release of the
        # parts' version is not to be had everywhere) and would insist on its own version.
        only_sources = ["--skip-strict-versioning", "--skip-get-modules", "--skip-compilation"]
        run([str(directory / "builder"), f"--config={manifest}", *only_sources], cwd=directory)
        requirements = sources / "go.mod"
        core = rf"(go\.opentelemetry\.io/collector/otelcol) v{re.escape(newer_version())}"
        requirements.write_text(re.sub(core, rf"\1 v{version}", requirements.read_text()))
        flags = ["-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", str(directory / "otelcol")]
        run([go, "build", *flags, "."], cwd=sources, environ=settings)
        (directory / "builder").unlink()
        shutil.rmtree(sources)

    return provide(f"otelcol-{version}", fingerprint(text, BUILDER), fill) / "otelcol"


def newer_version() -> str:
    """The version of the builder, without its `v`."""
    return BUILDER.rpartition("@v")[2]


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
