"""What the native parts have in common: start, wait until ready, stop, kill, suspend, restart.

Promises: a port stays the part's own over restarts; `start()` returns when the part answers, or
raises with the last line it wrote; nothing outlives our process (see `embedded.processes`).
"""

import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Self

from embedded.closing import Closing
from embedded.ports import accepts, in_use
from embedded.processes import Process, StartError

BELOW_EPHEMERAL = range(20_000, 32_000)
"""Linux takes the ports of outgoing connections from 32768 upwards. A server that comes back must
find its port free, and a client that tries a dead port above could even connect to itself."""


def lasting_port() -> int:
    """A free port of loopback that no outgoing connection will take while its server is down."""
    random = SystemRandom()
    while in_use(port := random.choice(BELOW_EPHEMERAL)):
        pass
    return port


class Server(Closing):
    """A native part: subclasses say what to run (`_command`) and when it is up (`_ready`).

    `directory` holds its configuration and data; without one, it gets a temporary one, which goes
    with `close()` or with our process. `name` is for messages.
    """

    name = "server"
    stop_signal = signal.SIGTERM

    def __init__(self, port: int = 0, directory: Path | None = None) -> None:
        self.port = port or lasting_port()
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="native-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self._process: Process | None = None

    def _command(self) -> Sequence[str | Path]:
        """The command line, after everything that it needs is in place. Called at each start."""
        raise NotImplementedError

    def _environ(self) -> Mapping[str, str] | None:
        """The process's whole environment; None is ours."""
        return None

    def _ready(self) -> bool:
        """Whether it answers by now."""
        return accepts(self.port)

    def start(self, timeout: float = 60) -> None:
        """Starts it and waits until it answers, at most `timeout` seconds.

        Raises StartError with the last line it wrote, or MissingTool when the machine lacks
        something that it is made with.
        """
        if self._process is not None and self._process.running:
            raise StartError(f"{self.name} runs already.")
        command = self._command()
        if in_use(self.port):
            raise StartError(f"{self.name} needs port {self.port}, which is in use.")
        process = Process(
            self.name,
            command,
            env=self._environ(),
            cwd=self.directory,
            stop_signal=self.stop_signal,
            remove=[self.directory] if self._temporary else [],
        )
        self._process = process
        deadline = time.monotonic() + timeout
        while not self._ready():
            if not process.running:
                raise StartError(f"{self.name} ended at its start: {process.last_words()}")
            if time.monotonic() > deadline:
                process.stop()
                raise StartError(
                    f"{self.name} was not ready within {timeout:.0f} s: {process.last_words()}"
                )
            time.sleep(0.05)

    @property
    def process(self) -> Process:
        """The guarded process of the latest start. Raises StartError before the first."""
        if self._process is None:
            raise StartError(f"{self.name} was not started.")
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self, timeout: float = 30) -> None:
        """Ends it in good order, after `timeout` seconds with SIGKILL. The data stays."""
        self.process.stop(timeout)

    def kill(self) -> None:
        """Ends it at once (SIGKILL). The data stays as it is."""
        self.process.kill()

    def suspend(self) -> None:
        """Halts it (SIGSTOP): its connections stay open, nothing answers."""
        self.process.pause()

    def resume(self) -> None:
        """Lets it go on after `suspend`."""
        self.process.resume()

    def restart(self, timeout: float = 60) -> None:
        """Stops and starts it on the same port and data."""
        self.stop()
        self.start(timeout)

    def close(self) -> None:
        """Ends it, and removes a temporary directory."""
        if self._process is not None:
            self._process.stop()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self
