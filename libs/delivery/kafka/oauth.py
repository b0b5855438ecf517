"""The bearer tokens of SASL OAUTHBEARER: read from a file, or had from a token endpoint.

The names of the settings are those of Kafka's own clients. A broker ends a connection when its
token has expired; the next connection is made with a new one.
"""

import asyncio
import re
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import AuthenticationFailedError, KafkaConnectionError

_URL: Final = "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL"
_TIMEOUT_S: Final = 5.0
_DEFAULT_LIFE_S: Final = 300.0
_USED: Final = 0.8  # of a token's life: Kafka's own clients renew it then
_TOKEN: Final = re.compile(r"[!-~]+")  # what cannot end the field that it is sent in


class _Answer(msgspec.Struct):
    """Of a token endpoint: RFC 6749, section 5.1."""

    access_token: str
    expires_in: float = _DEFAULT_LIFE_S


class FileToken(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """A file that somebody keeps up to date, such as Kubernetes for a service account; read for
    each connection."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    async def token(self) -> str:
        """What is in it. Raises AuthenticationFailedError, OSError."""
        return _checked((await asyncio.to_thread(self._path.read_text)).strip(), "the file")


class EndpointToken(AbstractTokenProvider):  # type: ignore[misc]
    """A token endpoint, asked with the client credentials grant (RFC 6749, section 4.4)."""

    def __init__(self, url: str, client: str, secret: str, scope: str | None) -> None:
        self._url, self._client, self._secret = url, client, secret
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._token, self._use_until = "", 0.0

    async def token(self) -> str:
        """One that is good for a while yet.

        Raises:
            KafkaConnectionError, AuthenticationFailedError: the endpoint is away, or refuses.
        """
        if time.monotonic() < self._use_until:
            return self._token
        asked = time.monotonic()
        try:
            # A client for each: connections are made on more than one event loop.
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
                answer = await http.post(
                    self._url, data=self._form, auth=(self._client, self._secret)
                )
        except httpx.HTTPError as error:
            kind = type(error).__name__
            raise KafkaConnectionError(f"{_URL} does not answer: {kind}") from error
        if answer.status_code != httpx.codes.OK:
            # Its body may repeat what it was sent.
            raise AuthenticationFailedError(f"{_URL} answers with {answer.status_code}")
        try:
            found = msgspec.json.decode(answer.content, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise AuthenticationFailedError(f"{_URL} answers with no access_token") from None
        self._token = _checked(found.access_token, "the endpoint")
        self._use_until = asked + _USED * found.expires_in
        return self._token


def _checked(token: str, source: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise AuthenticationFailedError(f"{_URL}: {source} has no token")
    return token


@lru_cache(maxsize=8)
def token_provider(
    url: str | None, client: str | None, secret: str | None, scope: str | None
) -> Any:
    """The provider of these settings, the same one each time: what it has is for every client.

    Raises:
        ValueError: names the variable and what it takes.
    """
    try:
        parts = urlsplit(url or "")
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return FileToken(unquote(parts.path))
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError(
            f"{_URL} takes https://host/path of a token endpoint or file:///path of a token, and is"
            " needed with KAFKA_SASL_MECHANISM=OAUTHBEARER"
        )
    if not (client and secret):
        raise ValueError(
            f"KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are the client's id and secret that the"
            f" endpoint of {_URL} needs"
        )
    return EndpointToken(url or "", client, secret, scope)
