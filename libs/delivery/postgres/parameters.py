"""What becomes of each parameter of libpq's in a database URL: libpq's whole list.

A parameter is honoured, by asyncpg or here, or its value is one that changes nothing, or the start
ends with one line. None is passed on unseen: asyncpg hands what it does not know to the server as a
setting, which refuses each connection for it.

Source of the list: PostgreSQL 18's documentation, "Parameter Key Words".
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec


class Honoured(msgspec.Struct, frozen=True):
    """It means what it means to libpq. ``takes`` says of a value whether it is one."""

    takes: Callable[[str], bool] = bool
    expected: str = ""


class Only(msgspec.Struct, frozen=True):
    """These values ask for nothing that is not so anyway; ``why`` the others cannot be had."""

    values: tuple[str, ...]
    why: str


class Refused(msgspec.Struct, frozen=True):
    """It asks for something that cannot be had."""

    why: str


Rule = Honoured | Only | Refused


def _one_of(*values: str) -> Honoured:
    return Honoured(values.__contains__, f"one of {', '.join(values)}")


def _is_whole(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10


_WHOLE: Final = Honoured(_is_whole, "a whole number")
_NOT_IN_ASYNCPG: Final = "the driver, asyncpg, does not have it"
_REFUSED: Final = Refused(_NOT_IN_ASYNCPG)

SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_TLS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

PARAMETERS: Final[Mapping[str, Rule]] = {
    # Where to, as whom
    "host": Honoured(),
    "hostaddr": Honoured(),  # in the place of host; beside one it is refused
    "port": Honoured(),
    "dbname": Honoured(),
    "user": Honoured(),
    "password": Honoured(),
    "passfile": Honoured(),
    "service": Honoured(),
    "servicefile": Honoured(),
    "target_session_attrs": _one_of(
        "any", "read-write", "read-only", "primary", "standby", "prefer-standby"
    ),
    "load_balance_hosts": Only(("disable",), "the hosts are tried in the order of the URL"),
    # What to say to the server
    "options": Honoured(),
    "application_name": Honoured(),
    "fallback_application_name": Honoured(),
    "client_encoding": Only(("auto", "UTF8", "utf8", "UTF-8", "utf-8"), "all text is UTF-8"),
    "replication": Only(("false", "off", "no", "0"), "the services make no replication"),
    "min_protocol_version": Only(("3.0",), "asyncpg speaks version 3.0 of the protocol"),
    "max_protocol_version": Only(
        ("3.0", "3.2", "latest"), "asyncpg speaks version 3.0 of the protocol"
    ),
    # How long to wait, and how to notice that nobody is there
    "connect_timeout": _WHOLE,
    "keepalives": _one_of("0", "1"),
    "keepalives_idle": _WHOLE,
    "keepalives_interval": _WHOLE,
    "keepalives_count": _WHOLE,
    "tcp_user_timeout": _WHOLE,
    # TLS
    "ssl": _one_of("true"),  # JDBC's; libpq reads it as sslmode=require
    "sslmode": _one_of(*SSL_MODES),
    "sslnegotiation": _one_of("postgres", "direct"),
    "sslcert": Honoured(),
    "sslkey": Honoured(),
    "sslpassword": Honoured(),
    "sslrootcert": Honoured(),
    "sslcrl": Honoured(),
    "ssl_min_protocol_version": _one_of(*_TLS),
    "ssl_max_protocol_version": _one_of(*_TLS),
    "sslcompression": Only(("0", "1"), "there is none"),  # libpq, too, ignores it by now
    "sslcertmode": Only(("allow",), _NOT_IN_ASYNCPG),
    "sslsni": Only(("1",), "the host's name is always sent"),
    "sslcrldir": _REFUSED,
    "sslkeylogfile": Refused("SSLKEYLOGFILE in the environment does the same"),
    # Who is who
    "channel_binding": Only(("disable", "prefer"), _NOT_IN_ASYNCPG),
    "require_auth": _REFUSED,
    "requirepeer": _REFUSED,
    "scram_client_key": _REFUSED,
    "scram_server_key": _REFUSED,
    "gssencmode": Only(("disable", "prefer"), _NOT_IN_ASYNCPG),
    "gssdelegation": Only(("0",), _NOT_IN_ASYNCPG),
    "gsslib": _one_of("gssapi", "sspi"),
    "krbsrvname": Honoured(),
    "oauth_issuer": _REFUSED,
    "oauth_client_id": _REFUSED,
    "oauth_client_secret": _REFUSED,
    "oauth_scope": _REFUSED,
}


def check_parameter(name: str, value: str) -> None:
    """Raises ValueError with a sentence that names the parameter and repeats no value."""
    rule = PARAMETERS.get(name)
    match rule:
        case None:
            raise ValueError(
                "the URL has a parameter that is none of libpq's; a setting of the server goes into"
                " options=-c%20name%3Dvalue"
                if not name.replace("_", "").isalnum()
                else f"{name} is no parameter of libpq's; a setting of the server goes into"
                f" options=-c%20{name}%3Dvalue"
            )
        case Refused(why=why):
            raise ValueError(f"{name} cannot be had: {why}")
        case Only(values=values, why=why) if value not in values:
            raise ValueError(f"{name} takes {' or '.join(values)} and nothing else: {why}")
        case Honoured(takes=takes, expected=expected) if not takes(value):
            raise ValueError(f"{name} takes {expected or 'a value'}")
