"""A request's attributes, as the semantic conventions for HTTP servers name them.

Values that repeat are computed once: the caches are bounded, since clients choose the values.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

from opentelemetry.util.types import AttributeValue

from telemetry.bounds import MAX_CONTEXT, MAX_TEXT, cut
from telemetry.http.asgi import Scope
from telemetry.propagation import active

_METHODS: Final = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY")
)
# What a browser brings back from a login (code, state, assertion) is worth as much as a password.
_SECRET_NAME: Final = re.compile(
    r".*(?:assertion|authcode|authorization|cookie|credential|jwt|oauth|passphrase|passw|secret"
    r"|session|signature|token).*|.*key|awsaccesskeyid|saml.*"
    r"|(?:.*[._-])?(?:auth|challenge|code|nonce|otp|pass|pin|pwd|sid|sig|state|ticket|verifier)",
    re.IGNORECASE | re.DOTALL,
)


_MAX_HOST: Final = 255
"""Characters of a host's name (RFC 1035)."""


def known_method(method: str) -> str:
    """The method, ``_OTHER`` for one that is no standard's: clients may send anything."""
    return method if method in _METHODS else "_OTHER"


def redact(query: str) -> str:
    """The query string, with the values of parameters that hold secrets by their name left out.

    A name counts as a server would read it: ``%63ode`` is ``code``.
    """
    return "&".join(map(_redacted, query.split("&")))


def _redacted(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}=REDACTED" if equals and _is_secret(name) else parameter


@lru_cache(maxsize=256)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.fullmatch(unquote_plus(name)) is not None


@lru_cache(maxsize=1024)
def _address(host: bytes) -> dict[str, AttributeValue]:
    name, _, port = host.decode("latin-1").rpartition(":")
    if name and port.isdecimal() and len(port) < 6:
        return {"server.address": name.strip("[]"), "server.port": int(port)}
    return {"server.address": host.decode("latin-1").strip("[]")}


def request_attributes(scope: Scope) -> tuple[dict[str, AttributeValue], dict[str, str] | None]:
    """What is known of a request before it is routed, and its trace context if it brought one."""
    method = scope["method"]
    attributes: dict[str, AttributeValue] = {
        "http.request.method": known_method(method),
        "url.path": cut(scope["path"]),
        "url.scheme": scope["scheme"],
        "network.protocol.version": scope["http_version"],
    }
    carrier: dict[str, str] | None = None
    carries = active().header_names
    for name, value in scope["headers"]:
        if name == b"host":
            attributes.update(_address(value[:_MAX_HOST]))
        elif name == b"user-agent":
            attributes["user_agent.original"] = cut(value.decode("latin-1"))
        elif name in carries and len(value) <= MAX_CONTEXT:
            carrier = {} if carrier is None else carrier
            known, text = name.decode(), value.decode("latin-1")
            # A list may come in parts; two parents cannot both be right, and make none.
            carrier[known] = f"{carrier[known]},{text}" if known in carrier else text
    if attributes["http.request.method"] == "_OTHER":
        attributes["http.request.method_original"] = cut(method)
    if scope.get("query_string"):
        attributes["url.query"] = redact(scope["query_string"][:MAX_TEXT].decode("latin-1"))
    if scope.get("client"):
        attributes["client.address"], attributes["client.port"] = scope["client"]
    return attributes, carrier


@lru_cache(maxsize=4096)
def metric_labels(
    method: str, scheme: str, route: str | None, status: int | None, error_type: str | None
) -> dict[str, str | int]:
    """The attributes of ``http.server.request.duration``; shared, not to be changed."""
    labels: dict[str, str | int] = {"http.request.method": method, "url.scheme": scheme}
    if route:
        labels["http.route"] = route
    if status is not None:
        labels["http.response.status_code"] = status
    if error_type is not None:
        labels["error.type"] = error_type
    return labels
