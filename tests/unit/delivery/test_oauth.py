"""Bearer tokens come from a file or an endpoint; what is wrong is one line without a secret."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiokafka.errors import AuthenticationFailedError, KafkaConnectionError

from delivery.kafka import oauth
from delivery.kafka.settings import KafkaSettings
from telemetry import SettingsError, read_settings

SECRET = "s3cr3t"
URL = "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL"


def read(url: str, **more: str) -> KafkaSettings:
    environ = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_MECHANISM": "OAUTHBEARER",
        URL: url,
    }
    return read_settings(KafkaSettings, environ | more)


def client(url: str) -> KafkaSettings:
    return read(
        url,
        KAFKA_SASL_USERNAME="me",
        KAFKA_SASL_PASSWORD=SECRET,
        KAFKA_SASL_OAUTHBEARER_SCOPE="kafka",
    )


@contextlib.asynccontextmanager
async def endpoint(answer: Callable[[], bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """An HTTP server with these answers, its URL, and the requests that it gets."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        requests.append(head + await reader.readexactly(length))
        writer.write(answer())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token", requests


def http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


async def test_a_file_is_read_for_each_connection(tmp_path: Path) -> None:
    path = tmp_path / "a token"
    settings = read(path.as_uri())
    provider = settings.aiokafka()["sasl_oauth_token_provider"]
    with pytest.raises(OSError, match="a token"):
        await provider.token()
    for token in ("first", "second"):
        path.write_text(f"{token}\n")
        assert await provider.token() == token
    path.write_text("two words")
    with pytest.raises(AuthenticationFailedError, match="has no token"):
        await provider.token()
    credentials: Any = settings.faust_credentials()
    assert credentials.oauth_cb is provider


async def test_an_endpoint_is_asked_once_in_a_tokens_life(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(oauth.time, "monotonic", lambda: now[0])
    given = iter(range(1, 9))

    def answer() -> bytes:
        return http("200 OK", b'{"access_token": "t%d", "expires_in": 100}' % next(given))

    async with endpoint(answer) as (url, requests):
        provider = client(url).token_provider()
        assert client(url).token_provider() is provider
        assert [await provider.token() for _ in range(3)] == ["t1"] * 3
        now[0] += 79
        assert await provider.token() == "t1"
        now[0] += 2
        assert await provider.token() == "t2"
    assert len(requests) == 2
    head, _, form = requests[0].partition(b"\r\n\r\n")
    assert b"Authorization: Basic bWU6czNjcjN0" in head
    asked = parse_qs(form.decode())
    assert asked == {"grant_type": ["client_credentials"], "scope": ["kafka"]}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http("401 Unauthorized", SECRET.encode()), "answers with 401"),
        (http("302 Found", b""), "answers with 302"),
        (http("200 OK", b"<html>"), "no access_token"),
        (http("200 OK", b"\xff"), "no access_token"),
        (http("200 OK", b'{"token_type": "bearer"}'), "no access_token"),
        (http("200 OK", b'{"access_token": ""}'), "has no token"),
        (http("200 OK", b'{"access_token": "a\\u0001auth=b"}'), "has no token"),
        (b"", "does not answer: RemoteProtocolError"),
    ],
)
async def test_what_an_endpoint_does_wrong_is_a_line(answer: bytes, said: str) -> None:
    async with endpoint(lambda: answer) as (url, _):
        with pytest.raises((AuthenticationFailedError, KafkaConnectionError), match=said) as found:
            await client(url).token_provider().token()
    assert SECRET not in str(found.value)


async def test_an_endpoint_that_is_away_is_a_line() -> None:
    with pytest.raises(KafkaConnectionError, match="does not answer: ConnectError"):
        await client("http://127.0.0.1:1/").token_provider().token()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "token",
        "ftp://here/",
        "https://",
        f"https://me:{SECRET}@here/",
        "https://here:port/",
        "file://relative",
        "file:",
        "https://[",
    ],
)
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match=URL) as found:
        client(url)
    assert SECRET not in str(found.value)


def test_an_endpoint_needs_an_id_and_a_secret_and_a_file_does_not() -> None:
    with pytest.raises(SettingsError, match="KAFKA_SASL_USERNAME"):
        read("https://here/")
    assert read("file:///token").aiokafka()["sasl_mechanism"] == "OAUTHBEARER"


def test_other_mechanisms_have_no_use_for_it() -> None:
    with pytest.raises(SettingsError, match="KAFKA_SASL_USERNAME"):
        read("", KAFKA_SASL_MECHANISM="PLAIN")
    plain = read("", KAFKA_SASL_MECHANISM="PLAIN", KAFKA_SASL_USERNAME="a", KAFKA_SASL_PASSWORD="b")
    assert "sasl_oauth_token_provider" not in plain.aiokafka()
