"""What a browser may do with an API, and HEAD for every GET: middleware for any ASGI application.

A developer's browser shows pages of strangers, which can send requests to services on the same
machine: forms and plain text without asking, and everything once their name resolves to it.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

from serving.hosts import Hosts, split
from serving.refusal import Refusal

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

JSON: Final = "application/json"
_READS: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_WRONG_HOST: Final = Refusal(400, "This server does not answer to the name in Host.")
_FOREIGN: Final = Refusal(403, "A page of another origin may not write here.")
_ENCODED: Final = Refusal(415, "The body has a Content-Encoding that this server does not take.")


class Front:
    """Wraps an application; what it lets through is unchanged.

    - A Host that is neither loopback, nor the address at which the request arrived, nor one of
      ``hosts`` (``hosts.host_names``) is answered 400.
    - A write, which is all but GET, HEAD, OPTIONS and TRACE, from a page of another origin is
      answered 403: by an ``Origin`` that is neither the Host nor one of ``hosts``, by
      ``Sec-Fetch-Site: cross-site``, and by ``same-site`` without an ``Origin``.
    - A body of a write that is of none of the ``media_types``, or of no type, is answered 415; with
      application/json goes every ``+json``. So is one with a Content-Encoding that is none of the
      ``encodings``.
    - HEAD is answered as GET would be, without the body, and is named in ``Allow`` beside GET.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] = (),
        media_types: Collection[str] = (JSON,),
        encodings: Collection[str] = (),
    ) -> None:
        self._app = app
        self._hosts = Hosts(hosts)
        self._media_types = frozenset(media_types)
        self._encodings = frozenset((*encodings, "identity"))
        self._unsupported = Refusal(415, f"A body has to be {' or '.join(media_types)}.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif (refusal := self._why_not(scope)) is not None:
            await refusal.send(send)
        elif scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        elif scope["method"] == "GET":
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _naming_head(scope["method"], send))

    def _why_not(self, scope: Scope) -> Refusal | None:
        headers = scope["headers"]
        server = scope.get("server")
        host = next((value for name, value in headers if name == b"host"), b"")
        # HTTP/1.0 has no Host; a browser has not spoken it for long.
        if (host or scope["http_version"] != "1.0") and not self._hosts.allows(
            host, server[0] if server else None
        ):
            return _WRONG_HOST
        if scope["method"] in _READS:
            return None
        return self._why_not_write(host, headers)

    def _why_not_write(self, host: bytes, headers: list[tuple[bytes, bytes]]) -> Refusal | None:
        types, has_body, is_same_site, has_origin = [], False, False, False
        for name, value in headers:
            if name == b"content-type":
                types.append(value)
            elif name == b"content-length":
                has_body = has_body or value != b"0"
            elif name == b"transfer-encoding":
                has_body = True
            elif name == b"content-encoding":
                encodings = value.decode("latin-1").lower().split(",")
                if not all(encoding.strip() in self._encodings for encoding in encodings):
                    return _ENCODED
            elif name == b"sec-fetch-site":
                if value.lower() == b"cross-site":
                    return _FOREIGN
                is_same_site = is_same_site or value.lower() == b"same-site"
            elif name == b"origin":
                if not self._is_own(value, host):
                    return _FOREIGN
                has_origin = True
        if is_same_site and not has_origin:
            return _FOREIGN
        if has_body and (len(types) != 1 or not self._takes(types[0])):
            return self._unsupported
        return None

    def _is_own(self, origin: bytes, host: bytes) -> bool:
        scheme, _, authority = origin.decode("latin-1").partition("://")
        theirs, ours = split(authority), split(host.decode("latin-1"))
        if theirs is None or ours is None or scheme not in _DEFAULT_PORTS:
            return False
        if self._hosts.names(theirs[0]):
            return True
        default = _DEFAULT_PORTS[scheme]
        return (theirs[0], theirs[1] or default) == (ours[0], ours[1] or default)

    def _takes(self, content_type: bytes) -> bool:
        media_type, *parameters = content_type.decode("latin-1").lower().split(";")
        for parameter in parameters:
            name, _, value = parameter.strip().partition("=")
            if name == "charset" and value.strip('"') not in ("utf-8", "utf8", "us-ascii"):
                return False
        media_type = media_type.strip()
        if media_type in self._media_types:
            return True
        return media_type.endswith("+json") and JSON in self._media_types

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As GET, whose headers they are; the server sees HEAD again, and knows what to leave out.

        The scope is the one that others hold, too: what a router writes into it stays seen.
        """

        async def bodiless(message: Any) -> None:
            if message["type"] == "http.response.start":
                scope["method"] = "HEAD"
            elif message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, bodiless)
        finally:
            scope["method"] = "HEAD"


def _naming_head(method: str, send: Send) -> Send:
    """Where GET is allowed, so is HEAD: in the answer to OPTIONS, and to a wrong method."""

    async def named(message: Any) -> None:
        if message["type"] == "http.response.start" and (
            message["status"] == 405 or method == "OPTIONS"
        ):
            headers = [
                (name, _with_head(value) if name.lower() == b"allow" else value)
                for name, value in message["headers"]
            ]
            message = {**message, "headers": headers}
        await send(message)

    return named


def _with_head(allowed: bytes) -> bytes:
    methods = {method.strip() for method in allowed.split(b",")}
    if b"GET" in methods:
        methods.add(b"HEAD")
    return b", ".join(sorted(methods))
