"""A PostgreSQL that can TLS: the machine's own. The one from the wheel is built without OpenSSL."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from embedded.native.cache import MissingTool
from embedded.native.certificates import Certificate
from embedded.postgres import Postgres

_DEBIAN = Path("/usr/lib/postgresql")
_INSTALL = "install it (Debian: postgresql)"


def installed_postgres() -> Path:
    """The directory with the `bin` of the newest PostgreSQL server of the machine.

    Raises MissingTool when there is none.
    """
    found = [path.parent.parent for path in _DEBIAN.glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda path: int(path.name))
    if on_path := shutil.which("postgres"):
        return Path(on_path).resolve().parent.parent
    raise MissingTool(f"PostgreSQL was not found: {_INSTALL}")


def tls_postgres(certificate: Certificate, settings: Mapping[str, str] | None = None) -> Postgres:
    """A running server with this certificate; it takes connections without TLS as well."""
    return Postgres(
        fsync=False,
        install=installed_postgres(),
        files={
            "server.pem": certificate.certificate.read_bytes(),
            "server.key": certificate.key.read_bytes(),
        },
        settings={
            "ssl": "on",
            "ssl_cert_file": "../server.pem",  # from the data directory
            "ssl_key_file": "../server.key",
            **(settings or {}),
        },
    )
