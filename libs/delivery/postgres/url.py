"""DATABASE_URL: taken apart before the first connection, and shown without what is secret.

All of libpq's forms work: TCP (`postgresql://user:pw@host/db`), several hosts
(`postgresql://user@h1:5432,h2:5433/db`), a Unix socket (`postgresql:///db?host=/run/postgresql`),
TLS (`?sslmode=verify-full&sslrootcert=…`), and each parameter as ``parameters`` has it.
"""

import configparser
import os
import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

import asyncpg
import msgspec
from asyncpg.connect_utils import _parse_connect_dsn_and_args

from delivery.postgres.parameters import check_parameter

_EXPECTED: Final = "expected postgresql://user:password@host:port/database"
# What asyncpg is not given with the URL, since it would hand it to the server.
_OURS: Final = frozenset(
    {
        *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval"),
        *("keepalives_count", "tcp_user_timeout", "fallback_application_name", "servicefile"),
        *("client_encoding", "replication", "min_protocol_version", "max_protocol_version"),
        *("load_balance_hosts", "sslcompression", "sslcertmode", "sslsni", "channel_binding"),
        *("gssencmode", "gssdelegation", "hostaddr", "ssl"),
    }
)
_OF_A_SERVICE: Final = frozenset(
    {
        *("host", "port", "dbname", "user", "password", "passfile", "sslmode", "sslcert", "sslkey"),
        *("sslrootcert", "sslnegotiation", "sslcrl", "sslpassword", "ssl_min_protocol_version"),
        *("ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib"),
    }
)
_SOCKET: Final = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}


SchemaName = Annotated[str, msgspec.Meta(pattern=r"^[a-z_][a-z0-9_]{0,62}\Z")]
"""A setting's schema, as it is written without quotes."""


class Address(msgspec.Struct, frozen=True):
    """A URL as asyncpg takes it, and what it leaves to us.

    ``timeout`` is how long connecting may take, in seconds; None where the URL does not say.
    ``arguments`` go to ``asyncpg.connect``; ``socket_options`` are (level, option, value).
    """

    dsn: str
    timeout: float | None
    arguments: Mapping[str, Any]
    socket_options: tuple[tuple[int, int, int], ...]


def check_url(url: str) -> str:
    """The URL itself when it can be used. Raises as ``parse``."""
    parse(url)
    return url


def check_urls(**urls: str | None) -> None:
    """Check each variable's URL that is given. Raises ValueError, whose text names the variable."""
    for variable, url in urls.items():
        if url is not None:
            try:
                check_url(url)
            except ValueError as error:
                raise ValueError(f"{variable}: {error}") from None


@lru_cache(maxsize=16)
def parse(url: str) -> Address:
    """The address that a URL gives.

    Raises ValueError with a sentence that says what is wrong and repeats nothing of the URL,
    which may hold a password.
    """
    parts = _split(url)
    given = _parameters(parts.query)
    if "hostaddr" in given and (_hosts(parts) or "host" in given):
        raise ValueError("hostaddr beside a host cannot be had: asyncpg looks the name up itself")
    # All of it as parameters: asyncpg lets the first part of the URL win, and libpq the last.
    query = _translated(_authority(parts) | given)
    if not query.keys() & {"host", "service"}:
        raise ValueError(f"the database URL names no host: {_EXPECTED}")
    _check_service(query)
    _check_certificates(query)
    kept = {name: value for name, value in query.items() if name not in _OURS}
    address = Address(
        dsn="postgresql://?"
        + "&".join(f"{name}={quote(value, safe='')}" for name, value in kept.items()),
        timeout=float(seconds) if (seconds := int(query.get("connect_timeout", 0))) > 0 else None,
        arguments={"servicefile": query["servicefile"]} if "servicefile" in query else {},
        socket_options=_socket_options(query),
    )
    _check_as_asyncpg(address)
    return address


def describe(url: str) -> str:
    """`host:port/database` for logs and errors: no user, no password, no options."""
    parts = urlsplit(url)
    query = {n: v for n, _, v in (each.partition("=") for each in parts.query.split("&"))}
    hosts = _hosts(parts) or unquote(query.get("host", "localhost"))
    port = unquote(query.get("port", "5432"))
    named = ",".join(
        host if ":" in host.rpartition("]")[2] else f"{unquote(host)}:{port}"
        for host in hosts.split(",")
    )
    return f"{named}/{unquote(parts.path.lstrip('/') or query.get('dbname', ''))}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"not a database URL: {_EXPECTED}") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError(f"not a PostgreSQL URL: {_EXPECTED}")
    behind = parts.path + parts.fragment + ("" if "@" in parts.netloc else parts.query)
    if parts.netloc and "@" in behind:
        # A password that ended the host's part too early: what is left of it must not be shown.
        raise ValueError("/, ? and # in user or password are written %2F, %3F and %23")
    if parts.netloc.count("@") > 1:
        raise ValueError("@ in user or password is written %40")
    if parts.fragment:
        raise ValueError("# in a database URL is written %23")
    return parts


def _parameters(query: str) -> dict[str, str]:
    """Each parameter with its value, as libpq reads them: the last one counts, + is a plus."""
    found: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError("a parameter in the database URL has no value")
        value = unquote(value)
        if value:  # an empty one is not set
            check_parameter(unquote(name), value)
            found[unquote(name)] = value
    return found


def _hosts(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _authority(parts: SplitResult) -> dict[str, str]:
    """User, password, hosts, ports and database of the URL before its parameters, as such."""
    account, _, hosts = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    names, ports = [], []
    for host in hosts.split(",") if hosts else []:
        name, colon, port = host.rpartition(":")
        if not colon or port.endswith("]"):  # no port: a name, or an IPv6 address in brackets
            name, port = host, ""
        names.append(unquote(name))
        ports.append(port or "5432")
    found = {
        "user": unquote(user),
        "password": unquote(password),
        "host": ",".join(names),
        "port": ",".join(ports) if any(ports) else "",
        "dbname": unquote(parts.path.removeprefix("/")),
    }
    return {name: value for name, value in found.items() if value}


def _translated(query: Mapping[str, str]) -> dict[str, str]:
    """With what asyncpg has other words for in asyncpg's words."""
    query = dict(query)
    if "ssl" in query:
        query.setdefault("sslmode", "require")
    if "hostaddr" in query:
        query["host"] = query["hostaddr"]
    if "fallback_application_name" in query:
        query.setdefault("application_name", query["fallback_application_name"])
    if query.get("sslrootcert") == "system":
        if query.setdefault("sslmode", "verify-full") != "verify-full":
            raise ValueError("sslrootcert=system needs sslmode=verify-full")
        trusted = ssl.get_default_verify_paths().cafile
        if trusted is None:
            raise ValueError("sslrootcert=system: this system has no file with whom to trust")
        query["sslrootcert"] = trusted
    return query


def _socket_options(query: Mapping[str, str]) -> tuple[tuple[int, int, int], ...]:
    """libpq's defaults: on, with the system's times."""
    if query.get("keepalives") == "0":
        options = []
    else:
        options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, option in _SOCKET.items():
        value = int(query.get(name, 0))
        known = getattr(socket, option, None)  # not every system has each of them; as in libpq
        if value > 0 and known is not None and (options or name == "tcp_user_timeout"):
            options.append((socket.IPPROTO_TCP, known, value))
    return tuple(options)


def _check_service(query: Mapping[str, str]) -> None:
    """asyncpg goes on without a service that is not there."""
    if "service" not in query:
        return
    file = configparser.ConfigParser(interpolation=None)
    try:
        given = query.get("servicefile")
        read = file.read([Path(given)] if given else _service_files())
    except (configparser.Error, OSError, UnicodeDecodeError):
        read = []
    if not read or query["service"] not in file:
        raise ValueError("service takes one that is defined in the service file")
    if unknown := set(file[query["service"]]) - _OF_A_SERVICE:
        raise ValueError(f"the service file has {min(unknown)}, which is written into the URL here")


def _service_files() -> list[Path]:
    """Where libpq looks, and asyncpg with it."""
    given = os.environ.get("PGSERVICEFILE")
    return [Path(given) if given else Path.home() / ".pg_service.conf"]


def _check_certificates(query: Mapping[str, str]) -> None:
    """Refuse what would only be noticed, again and again, when connecting."""
    authority = query.get("sslrootcert")
    mode = query.get("sslmode", "prefer")
    if mode.startswith("verify") and authority is None and "service" not in query:
        raise ValueError(f"sslmode={mode} needs sslrootcert, the file with whom to trust")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if authority is not None:
            context.load_verify_locations(authority)
        if (revoked := query.get("sslcrl")) is not None:
            context.load_verify_locations(revoked)
        if (certificate := query.get("sslcert")) is not None:
            context.load_cert_chain(certificate, query.get("sslkey"), query.get("sslpassword", ""))
    except OSError as error:  # an SSLError is one
        raise ValueError(
            "sslrootcert, sslcrl, sslcert and sslkey take readable PEM files:"
            f" {error.strerror or error}"
        ) from None


def _check_as_asyncpg(address: Address) -> None:
    """What asyncpg would find wrong at each connection, it finds now."""
    nothing = dict.fromkeys(
        (
            *("host", "port", "user", "password", "passfile", "database", "ssl", "service"),
            *("direct_tls", "server_settings", "target_session_attrs", "krbsrvname", "gsslib"),
        )
    )
    arguments: dict[str, Any] = {"servicefile": None, **nothing, **address.arguments}
    try:
        _parse_connect_dsn_and_args(dsn=address.dsn, **arguments)
    except asyncpg.InterfaceError as error:
        hint = "sslnegotiation=direct" if "direct TLS" in str(error) else ""
        if hint:
            raise ValueError(f"{hint} needs sslmode=require, verify-ca or verify-full") from None
        raise ValueError(f"the URL's hosts and ports do not fit: {_EXPECTED}") from None
    except (ValueError, OSError):
        raise ValueError(f"not a database URL: {_EXPECTED}") from None
