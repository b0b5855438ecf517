"""backend's own settings; Kafka's and telemetry's are their libraries' (see ``app``)."""

from typing import Annotated

import msgspec

from delivery.postgres import SchemaName, check_urls
from error_injection import check_admin_token
from serving import host_names


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """What backend needs to know beyond Kafka and telemetry.

    ``database_url`` holds a password, and is shown nowhere.
    ``database_direct_url`` is the same database past a pooler, if ``database_url`` leads to one;
    what needs a session goes there: migrations, ``replay --rebuild``, following the rules.
    ``backend_schema`` is where its tables are, in PostgreSQL.
    ``database_pool_size`` is the most connections of one process, the consumer's four included.
    ``backend_host`` and ``backend_port`` are where the HTTP API listens.
    ``migrate_at_start`` false leaves the migrations to ``python -m backend.migrate``; until they
    have run, nothing is consumed and the service is not ready.
    ``dead_letter_rate`` bounds how many records a second that cannot be decoded become dead
    letters, in each worker: whatever fills the topic with them has time to be noticed.
    ``admin_token``, when set, is asked of whoever uses the admin routes.
    ``allowed_hosts`` are the names that it answers to beside loopback's, comma separated.
    """

    database_url: str
    database_direct_url: str | None = None
    backend_schema: SchemaName = "backend"
    database_pool_size: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    backend_host: str = "127.0.0.1"
    backend_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 8001
    migrate_at_start: bool = True
    dead_letter_rate: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    admin_token: str | None = None
    allowed_hosts: str | None = None

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
        check_admin_token(self.admin_token)
        _ = self.hosts

    def __repr__(self) -> str:
        """Without the password and the token: settings end up in logs and error pages."""
        return f"Settings(backend_host={self.backend_host!r}, backend_port={self.backend_port})"
