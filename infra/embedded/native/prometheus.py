"""Prometheus on loopback, with its configuration and rules as they are in infra/prometheus.

Promises: the configuration directory is copied unchanged but for the one file that says where the
targets are; exemplars are stored. The programs are the machine's own, or Debian's package
unpacked into the cache: nothing is installed and no system service is started.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from embedded.native.cache import MissingTool, provide, run
from embedded.native.server import Server

INSTALL = "install Prometheus 2.40 or newer (Debian: prometheus) so that it is on the PATH"
PROGRAMS = ("prometheus", "promtool")


def program(name: str) -> Path:
    """Path of `prometheus` or `promtool`: from the PATH, or from Debian's package in the cache.

    Raises MissingTool when there is neither.
    """
    on_path = [shutil.which(each) for each in PROGRAMS]
    if all(on_path):
        return Path(str(shutil.which(name)))
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise MissingTool(f"{name} was not found: {INSTALL}")
    return provide("prometheus", "debian", _unpack_package) / "usr" / "bin" / name


def _unpack_package(directory: Path) -> None:
    try:
        run(["apt-get", "download", "prometheus"], cwd=directory, timeout=300)
    except RuntimeError:  # no package lists yet: read them into a place of our own, without root
        own = ["-o", f"Dir::State::lists={directory / 'lists'}", "-o", "Debug::NoLocking=1"]
        try:
            run(["apt-get", *own, "update"], cwd=directory, timeout=300)
            run(["apt-get", *own, "download", "prometheus"], cwd=directory, timeout=300)
        except RuntimeError as error:
            raise MissingTool(f"Debian's package could not be fetched: {INSTALL}") from error
    package = next(directory.glob("prometheus_*.deb"))
    run(["dpkg-deb", "--extract", package, directory], cwd=directory)
    package.unlink()
    shutil.rmtree(directory / "lists", ignore_errors=True)


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
