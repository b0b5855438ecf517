"""Every parameter of libpq's in a database URL: what becomes of it, walked as a table."""

import socket
from pathlib import Path
from typing import Any

import asyncpg
import certifi
import pytest

from delivery.postgres.parameters import PARAMETERS
from delivery.postgres.url import Address, check_url, parse

URL = "postgresql://me:secret@db.example/books"
KEEPALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
TCP = socket.IPPROTO_TCP

# libpq's list: `pg_config --version` 18, "Parameter Key Words". Values that are taken, and refused.
LIBPQ: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "host": (("other.example", "/run/postgresql"), ()),
    "hostaddr": ((), ("192.0.2.1",)),  # beside a host; alone it is taken, see below
    "port": (("5433",), ("x", "1,2")),
    "dbname": (("other",), ()),
    "user": (("other",), ()),
    "password": (("other",), ()),
    "passfile": (("/nowhere",), ()),
    "require_auth": ((), ("scram-sha-256", "none")),
    "channel_binding": (("disable", "prefer"), ("require", "x")),
    "connect_timeout": (("0", "10", "-1"), ("soon", "1.5")),
    "client_encoding": (("auto", "UTF8"), ("LATIN1",)),
    "options": (("-c statement_timeout=5s",), ()),
    "application_name": (("bookapp",), ()),
    "fallback_application_name": (("bookapp",), ()),
    "keepalives": (("0", "1"), ("yes",)),
    "keepalives_idle": (("30",), ("x",)),
    "keepalives_interval": (("10",), ("x",)),
    "keepalives_count": (("3",), ("x",)),
    "tcp_user_timeout": (("5000",), ("x",)),
    "replication": (("off", "false"), ("database", "true")),
    "gssencmode": (("disable", "prefer"), ("require",)),
    "sslmode": (("disable", "allow", "prefer", "require"), ("verify-ca", "verify-full", "yes")),
    "sslnegotiation": (("postgres",), ("direct", "x")),  # direct with sslmode, see below
    "sslcompression": (("0", "1"), ("x",)),
    "sslcert": ((), ("/nowhere",)),
    "sslkey": (("/nowhere",), ()),  # nothing is done with it without sslcert
    "sslkeylogfile": ((), ("/tmp/keys",)),
    "sslpassword": (("x",), ()),
    "sslcertmode": (("allow",), ("disable", "require")),
    "sslrootcert": ((certifi.where(), "system"), ("/nowhere",)),
    "sslcrl": ((), ("/nowhere",)),
    "sslcrldir": ((), ("/nowhere",)),
    "sslsni": (("1",), ("0",)),
    "requirepeer": ((), ("postgres",)),
    "ssl_min_protocol_version": (("TLSv1.2", "TLSv1.3"), ("SSLv3", "1")),
    "ssl_max_protocol_version": (("TLSv1.2", "TLSv1.3"), ("SSLv3", "1")),
    "min_protocol_version": (("3.0",), ("3.2", "latest")),
    "max_protocol_version": (("3.0", "latest"), ("2.0",)),
    "krbsrvname": (("postgres",), ()),
    "gsslib": (("gssapi",), ("x",)),
    "gssdelegation": (("0",), ("1",)),
    "scram_client_key": ((), ("eA==",)),
    "scram_server_key": ((), ("eA==",)),
    "service": ((), ("books",)),  # in a file that is not there; see below
    "servicefile": (("/nowhere",), ()),
    "target_session_attrs": (
        ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
        ("writable",),
    ),
    "load_balance_hosts": (("disable",), ("random",)),
    "oauth_issuer": ((), ("https://issuer.example",)),
    "oauth_client_id": ((), ("books",)),
    "oauth_client_secret": ((), ("x",)),
    "oauth_scope": ((), ("x",)),
    "ssl": (("true",), ("1",)),
}


@pytest.fixture(autouse=True)
def _at_home_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGSERVICEFILE", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_table_is_libpqs_list() -> None:
    assert set(PARAMETERS) == set(LIBPQ)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (taken, _) in LIBPQ.items() for value in taken]
)
def test_a_value_that_is_taken_reaches_asyncpg_as_something_that_it_knows(
    name: str, value: str
) -> None:
    address = parse(f"{URL}?{name}={value.replace(' ', '%20').replace('=', '%3D')}")
    assert not unknown_settings(address)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (_, no) in LIBPQ.items() for value in no]
)
def test_a_value_that_cannot_be_had_is_refused_in_one_line(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        check_url(f"{URL}?{name}={value}")
    said = str(caught.value)
    assert "\n" not in said
    assert ":secret" not in said
    assert name in said or name == "port"


def unknown_settings(address: Address) -> set[str]:
    """What the server would be told as settings of its own, beyond what it knows."""
    _, params = as_asyncpg(address)
    return set(params.server_settings or ()) - {"application_name", "options"}


def as_asyncpg(address: Address) -> tuple[Any, Any]:
    """Where asyncpg would connect to, and how."""
    found: tuple[Any, Any] = asyncpg.connect_utils._parse_connect_dsn_and_args(
        **{
            **dict.fromkeys(("host", "port", "user", "password", "passfile", "database", "ssl")),
            **dict.fromkeys(("service", "servicefile", "direct_tls", "server_settings")),
            **dict.fromkeys(("target_session_attrs", "krbsrvname", "gsslib")),
            **address.arguments,
        },
        dsn=address.dsn,
    )
    return found


def test_whatever_is_no_parameter_of_libpqs_is_refused() -> None:
    for name in ("search_path", "statement_timeout", "sslMode", "database", "pgbouncer", "schema"):
        with pytest.raises(ValueError, match=f"{name} is no parameter of libpq's"):
            check_url(f"{URL}?{name}=1")


def test_times_and_the_sockets_options_are_ours_to_honour() -> None:
    address = parse(f"{URL}?connect_timeout=7")
    assert (address.timeout, address.socket_options) == (7.0, (KEEPALIVE,))
    assert parse(URL).timeout is None
    assert parse(f"{URL}?connect_timeout=0").timeout is None
    assert parse(f"{URL}?keepalives=0&keepalives_idle=5").socket_options == ()
    assert set(parse(f"{URL}?keepalives_idle=5&tcp_user_timeout=900").socket_options) == {
        KEEPALIVE,
        (TCP, socket.TCP_KEEPIDLE, 5),
        (TCP, socket.TCP_USER_TIMEOUT, 900),
    }


def test_words_that_asyncpg_does_not_have_are_put_into_those_that_it_has() -> None:
    assert "application_name=b" in parse(f"{URL}?fallback_application_name=b").dsn
    assert (
        "application_name=a" in parse(f"{URL}?fallback_application_name=b&application_name=a").dsn
    )
    assert "sslmode=require" in parse(f"{URL}?ssl=true").dsn
    assert "sslmode=verify-full" in parse(f"{URL}?sslrootcert=system").dsn
    assert "host=192.0.2.1" in parse("postgresql:///books?hostaddr=192.0.2.1").dsn
    parse(f"{URL}?sslmode=require&sslnegotiation=direct")
    assert "password=a%2Bb%20c" in parse("postgresql:///b?host=h&password=a+b%20c").dsn
    assert parse(f"{URL}?sslmode=") == parse(URL)  # empty: not set


def test_a_parameter_wins_over_what_stands_before_it() -> None:
    addresses, params = as_asyncpg(
        parse("postgresql://u:p@h1:1,h2:2/d?host=h3,/run&port=3,4&user=v&password=q&dbname=e")
    )
    assert addresses == [("h3", 3), "/run/.s.PGSQL.4"]
    assert (params.user, params.password, params.database) == ("v", "q", "e")
    addresses, params = as_asyncpg(parse("postgresql://a%40b:p%2F@h1,[::1]:2,%2Frun/d%3F"))
    assert addresses == [("h1", 5432), ("::1", 2), "/run/.s.PGSQL.5432"]
    assert (params.user, params.password, params.database) == ("a@b", "p/", "d?")


@pytest.fixture
def service(tmp_path: Path) -> Path:
    file = tmp_path / "services.conf"
    file.write_text("[books]\nhost=db.example\ndbname=books\n[odd]\nhost=h\nrequire_auth=none\n")
    return file


def test_a_service_is_one_that_there_is(service: Path) -> None:
    assert parse(f"postgresql:///?service=books&servicefile={service}").arguments == {
        "servicefile": str(service)
    }
    with pytest.raises(ValueError, match="service takes one that is defined"):
        check_url(f"postgresql:///?service=film&servicefile={service}")
    with pytest.raises(ValueError, match="the service file has require_auth"):
        check_url(f"postgresql:///?service=odd&servicefile={service}")
