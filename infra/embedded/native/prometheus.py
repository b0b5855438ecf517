"""Prometheus on loopback, with its configuration and rules as they are in infra/prometheus.

Promises: the configuration directory is copied unchanged but for the one file that says where the
targets are. `prometheus` and `promtool` are built from the Go module that Prometheus publishes,
once, and kept: without the web page, and of the ways to discover targets with files alone.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from embedded.native.cache import fingerprint, provide
from embedded.native.gomodule import build_programs
from embedded.native.server import Server

VERSION = "3.15.0"
"""That of the image in compose.yaml. The module of 3.15.0 is called v0.315.0."""
_PROGRAMS = ("prometheus", "promtool")
_FLAGS = (
    "-tags=netgo,remove_all_sd,enable_file_sd",
    f"-ldflags=-s -w -X github.com/prometheus/common/version.Version={VERSION}",
)


def program(name: str) -> Path:
    """Path of `prometheus` or `promtool`, built when it is not in the cache.

    Raises MissingTool when there is no Go.
    """
    major, minor, patch = VERSION.split(".")
    module = f"github.com/prometheus/prometheus@v0.{major}{minor:0>2}.{patch}"

    def fill(directory: Path) -> None:
        build_programs(module, [f"./cmd/{each}" for each in _PROGRAMS], directory, _FLAGS)

    return provide(f"prometheus-{VERSION}", fingerprint(module, *_FLAGS), fill) / name


class Prometheus(Server):
    """One Prometheus with the configuration directory `source`.

    `targets` says where the scrape jobs of its file_sd targets are: addresses by job name. They
    replace the file `targets.json` of the copy.
    """

    name = "Prometheus"

    def __init__(
        self,
        source: Path,
        targets: Mapping[str, Sequence[str]],
        port: int = 0,
        directory: Path | None = None,
    ) -> None:
        super().__init__(port, directory)
        self._source = source
        self._targets = [
            {"targets": list(addresses), "labels": {"job": job}}
            for job, addresses in targets.items()
        ]
        self.url = f"http://127.0.0.1:{self.port}"

    def _command(self) -> Sequence[str | Path]:
        configuration = self.directory / "configuration"
        shutil.copytree(self._source, configuration, dirs_exist_ok=True)
        (configuration / "targets.json").write_text(json.dumps(self._targets))
        return [
            program("prometheus"),
            f"--config.file={configuration / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ]

    def _ready(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/-/ready", timeout=1, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def get(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of the HTTP API, for instance `get("query", query="up")`.

        Raises ValueError with Prometheus's own words when it refuses.
        """
        url = f"{self.url}/api/v1/{path}"
        answer = httpx.get(url, params=parameters, timeout=30, trust_env=False).json()
        if answer["status"] != "success":
            raise ValueError(f"{answer['errorType']}: {answer['error']}")
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an instant query returns, each with `metric` and `value`."""
        result: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return result
