"""bookapp's own settings; Kafka's and telemetry's are their libraries' (see ``app``)."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from delivery.kafka.settings import KafkaSettings
from delivery.postgres import SchemaName, check_urls
from error_injection import check_admin_token
from serving import host_names
from telemetry import TelemetrySettings, read_settings, read_telemetry_settings


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """What bookapp needs to know beyond Kafka and telemetry.

    ``database_url`` holds a password, and is shown nowhere.
    ``database_direct_url`` is the same database past a pooler, if ``database_url`` leads to one;
    what needs a session goes there: the relay, migrations, following the rules.
    ``bookapp_schema`` is where its tables are, in PostgreSQL.
    ``database_pool_size`` is the most connections of one process; the relay has one more.
    ``backend_url`` is where the details of books come from.
    ``admin_token``, when set, is asked of whoever uses the admin routes.
    ``allowed_hosts`` are the names that it answers to beside loopback's, comma separated.
    ``migrate_at_start`` false leaves the migrations to ``python -m bookapp.migrate``; until they
    have run, the service is not ready.
    """

    database_url: str
    database_direct_url: str | None = None
    bookapp_schema: SchemaName = "public"
    database_pool_size: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    backend_url: str = "http://127.0.0.1:8001"
    admin_token: str | None = None
    allowed_hosts: str | None = None
    migrate_at_start: bool = True

    @property
    def hosts(self) -> frozenset[str]:
        """``allowed_hosts``, one by one. Raises ValueError."""
        return host_names("ALLOWED_HOSTS", self.allowed_hosts)

    def __post_init__(self) -> None:
        """Refuse what could only fail later.

        Raises:
            ValueError: names the variable and what it takes, and repeats no value.
        """
        check_urls(DATABASE_URL=self.database_url, DATABASE_DIRECT_URL=self.database_direct_url)
        if not _is_http(self.backend_url):
            raise ValueError("BACKEND_URL takes an http:// or https:// address, without a user")
        check_admin_token(self.admin_token)
        _ = self.hosts

    def __repr__(self) -> str:
        """Without the password and the token: settings end up in logs and error pages."""
        return f"Settings(backend_url={self.backend_url!r})"


def read_all(environ: Mapping[str, str]) -> tuple[Settings, KafkaSettings, TelemetrySettings]:
    """All that bookapp reads from its environment. Raises SettingsError."""
    return (
        read_settings(Settings, environ),
        read_settings(KafkaSettings, environ),
        read_telemetry_settings(environ, "bookapp"),
    )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.port != 0
            and "@" not in url
        )
    except ValueError:
        return False
