"""PgBouncer on loopback: the pooler that most people put before PostgreSQL.

Promises: it takes whoever connects as PostgreSQL's user of the URL that it was given, and passes
nothing on that PgBouncer's defaults do not pass on.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from embedded.native.cache import MissingTool
from embedded.native.server import Server

INSTALL: Final = "install it (Debian: pgbouncer)"
_DEBIAN: Final = "/usr/sbin/pgbouncer"  # on no PATH but root's
_USER: Final = "nobody"  # it refuses to run as root

Mode = Literal["session", "transaction"]


def installed_pgbouncer() -> str:
    """Path of the program. Raises MissingTool."""
    found = shutil.which("pgbouncer") or shutil.which(_DEBIAN)
    if found is None:
        raise MissingTool(f"pgbouncer was not found: {INSTALL}")
    return found


class PgBouncer(Server):
    """One pooler before the server of ``url``. ``size`` is the most connections to each database
    of it."""

    name = "PgBouncer"

    def __init__(self, url: str, mode: Mode, size: int = 4) -> None:
        super().__init__()
        self._parts = urlsplit(url)
        self._mode = mode
        self._size = size
        self.url = f"postgresql://{self._parts.username}:x@127.0.0.1:{self.port}{self._parts.path}"

    def _command(self) -> Sequence[str | Path]:
        parts = self._parts
        configuration = self.directory / "pgbouncer.ini"
        configuration.write_text(
            f"""
[databases]
* = host={parts.hostname} port={parts.port} user={parts.username} password={parts.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = {self._mode}
default_pool_size = {self._size}
max_client_conn = 500
"""
        )
        command: list[str | Path] = [installed_pgbouncer(), configuration]
        if os.geteuid() == 0:
            self.directory.chmod(0o711)
            configuration.chmod(0o600)
            shutil.chown(configuration, _USER)
            command[1:1] = ["-u", _USER]
        return command
