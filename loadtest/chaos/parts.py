"""The system under test: a real Kafka, PostgreSQL with fsync, two bookapps, two workers.

Everything here blocks; faults call it from threads. A part is used by one fault at a time (see
``faults``). What every process said is kept, that of the dead as well.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from loadtest.chaos.evidence import GROUP
from loadtest.chaos.schedule import INSTANCES

from embedded.native.kafka import Kafka
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.services import bare_environment, start_service, wait_ready

READY_S = 180.0
"""Seconds; a start of everything at once, on a machine that is busy with other things."""
_STOP_S = 60.0


class Service:
    """One process of a service, by its command line; comes back on the same port."""

    def __init__(
        self, name: str, command: list[str], env: Mapping[str, str], port: int, directory: Path
    ) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self.processes: list[Process] = []
        self._command = command
        self._env = env
        self._directory = directory

    def start(self) -> None:
        """Start; it need not be ready when this returns."""
        self.processes.append(
            start_service(self.name, self._command, self._env, cwd=self._directory)
        )

    @property
    def process(self) -> Process:
        return self.processes[-1]

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        """An end in good order."""
        if self.processes:
            self.process.stop(_STOP_S)

    def suspend(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()


class System:
    """Starts in the constructor, and is ready then; ``close`` ends all of it.

    ``plant`` names a bug that the services get (see ``planted``). ``tell`` is told what is started.
    Raises StartError.
    """

    def __init__(self, plant: str | None = None, tell: Callable[[str], None] = print) -> None:
        self._exit = contextlib.ExitStack()
        self._plant = plant
        try:
            tell("PostgreSQL, with fsync")
            self.postgres = self._exit.enter_context(Postgres(fsync=True))
            self.database_url = self.postgres.create_database("books")
            tell("Apache Kafka")
            self.kafka = Kafka(heap="384m")
            self._exit.callback(self.kafka.close)
            self.kafka.start(READY_S)
            tell("two bookapps, two backends")
            self._start_services()
        except BaseException:
            self.close()
            raise

    def _start_services(self) -> None:
        # Services run in an empty directory: nothing that lies about is picked up or left there.
        self._directory = Path(self._exit.enter_context(tempfile.TemporaryDirectory()))
        ports = [free_port() for _ in range(INSTANCES["bookapp"] + INSTANCES["backend"] + 1)]
        workers = ports[INSTANCES["bookapp"] :]
        backend = f"http://127.0.0.1:{workers[0]}"
        self.bookapps = [self._bookapp(port, backend) for port in ports[: INSTANCES["bookapp"]]]
        self.backends = [
            self._backend(port) for port in workers
        ]  # the last one only joins at times
        self.ready(READY_S, start=True)

    def _bookapp(self, port: int, backend: str) -> Service:
        command = ["bookapp", "--port", str(port)]
        return self._service("bookapp", command, port, BACKEND_URL=backend)

    def _backend(self, port: int) -> Service:
        command = ["faust", "-A", "backend.app", "worker", "-l", "warn"]
        return self._service("backend", command, port, BACKEND_PORT=str(port))

    def _service(self, name: str, command: list[str], port: int, **env: str) -> Service:
        bare = bare_environment(os.environ)
        env |= {
            **bare,
            "DATABASE_URL": self.database_url,
            "KAFKA_BROKER_URL": self.kafka.url,
            "KAFKA_GROUP_ID": GROUP,
            "LOG_LEVEL": "INFO",
            "LOG_FORMAT": "text",
        }
        if self._plant:
            path = filter(None, (os.getcwd(), bare.get("PYTHONPATH")))
            env["PYTHONPATH"] = os.pathsep.join(path)
            planted = [sys.executable, "-m", "loadtest.chaos.planted", self._plant, "--"]
            command = [*planted, *command]
        return Service(name, command, env, port, self._directory)

    def ready(self, timeout: float, *, start: bool = False) -> None:
        """Wait until everything that should be up answers that it is ready. Raises StartError."""
        services = [*self.bookapps, *self.backends[: INSTANCES["backend"]]]
        for service in services:
            if start:
                service.start()
                self._exit.callback(service.stop)
        wait_ready({f"{each.url}/health/ready": each.process for each in services}, timeout)

    def write_logs(self, directory: Path) -> None:
        """What every process said, the last lines of each, in a file each."""
        directory.mkdir(parents=True, exist_ok=True)
        for number, service in enumerate([*self.bookapps, *self.backends]):
            for life, process in enumerate(service.processes):
                path = directory / f"{service.name}-{number}-life-{life}.log"
                path.write_text("\n".join(process.lines))
        (directory / "kafka.log").write_text("\n".join(self.kafka.process.lines))
        (directory / "postgres.log").write_text("\n".join(self.postgres.process.lines))

    def close(self) -> None:
        """End everything, the services first."""
        self._exit.close()
