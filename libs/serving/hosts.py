"""Which names a server answers to.

A page in somebody's browser can have its own name resolved to 127.0.0.1 (DNS rebinding), and is
then of the same origin as a service there. Only the Host header tells the two apart.
"""

import ipaddress
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

_AUTHORITY: Final = re.compile(
    r"(?:(?P<name>[a-z0-9._-]+)|\[(?P<address>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{0,5}))?",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[?[0-9A-Fa-f:.]+\]?")


def host_names(setting: str, value: str | None) -> frozenset[str]:
    """The names in a setting's value: comma separated, without ports.

    ``*.example.org`` is every name below example.org, ``*`` any name at all.

    Raises:
        ValueError: names the setting, and what it takes.
    """
    names = [part.strip() for part in (value or "").split(",") if part.strip()]
    if not all(_NAMED.fullmatch(name) for name in names):
        raise ValueError(f"{setting} takes names of hosts without ports, comma separated")
    return frozenset(_plain(name.strip("[]")) or name.strip("[]").lower() for name in names)


def split(authority: str) -> tuple[str, int | None] | None:
    """The name as one would compare it, without brackets, and the port; None when it is neither.

    Names are in lower case and without the dot that may end them, addresses in their shortest form.
    """
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return None
    if found["address"] is None:
        name = found["name"].lower().removesuffix(".")
    elif (name := _plain(found["address"])) is None:
        return None
    return name, int(found["port"]) if found["port"] else None


def _plain(text: str) -> str | None:
    """An address in its shortest form; one of version 4 that is written as version 6 is of 4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


class Hosts:
    """Loopback, the address at which a connection arrived, and the names that are given."""

    def __init__(self, names: Collection[str] = ()) -> None:
        self._any = "*" in names
        self._names = frozenset(names)
        self._below = tuple(name[1:] for name in names if name.startswith("*."))
        self.allows = lru_cache(maxsize=256)(self._allows)

    def _allows(self, host: bytes, arrived_at: str | None) -> bool:
        """Whether a Host header is ours; ``arrived_at`` is the connection's own address."""
        if self._any:
            return True
        parts = split(host.decode("latin-1"))
        return parts is not None and (self.names(parts[0]) or _is_local(parts[0], arrived_at))

    def names(self, name: str) -> bool:
        """Whether it is one of the names that are given."""
        return name in self._names or name.endswith(self._below)


def _is_local(name: str, arrived_at: str | None) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _plain(name)
    if address is None:
        return False
    # A server that listens to both versions sees a client of version 4 arrive at ::ffff:192.0.2.7,
    # and one of a link at fe80::1%eth0.
    return ipaddress.ip_address(address).is_loopback or address == _plain(arrived_at or "")
