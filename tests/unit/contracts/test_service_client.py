"""A client from service to service: what it leaves out, and what it leaves to httpx."""

from collections.abc import AsyncIterator

import httpx
import pytest

from contracts.service_client import ServiceClient


class Backend(httpx.AsyncBaseTransport):
    """Redirects from /old, gives a cookie with every answer, and keeps what it is asked."""

    def __init__(self, body: httpx.AsyncByteStream | bytes = b"here") -> None:
        self.asked: list[httpx.Request] = []
        self.closed = False
        self._body = body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        headers = {"set-cookie": "a=b"}
        if request.url.path == "/old":
            return httpx.Response(302, headers={**headers, "location": "/new"})
        if isinstance(self._body, bytes):
            return httpx.Response(200, headers=headers, content=self._body)
        return httpx.Response(200, headers=headers, stream=self._body)

    async def aclose(self) -> None:
        self.closed = True


def client(backend: Backend) -> ServiceClient:
    return ServiceClient("http://backend:8001/api", backend)


async def test_the_answer_is_read_and_knows_its_request() -> None:
    backend = Backend()
    answer = await client(backend).get("books", params={"ids": "1,2"}, headers={"x": "y"})
    assert (answer.status_code, answer.text) == (200, "here")
    (request,) = backend.asked
    assert answer.request is request
    assert str(request.url) == "http://backend:8001/api/books?ids=1%2C2"
    assert request.headers["x"] == "y"
    assert request.extensions["timeout"]["read"] == 5.0


async def test_cookies_are_not_kept_and_redirects_not_followed() -> None:
    backend = Backend()
    calling = client(backend)
    assert (await calling.get("http://backend/old")).status_code == 302
    await calling.get("books")
    assert "cookie" not in backend.asked[1].headers


async def test_what_is_asked_for_goes_httpx_s_way() -> None:
    backend = Backend()
    calling = client(backend)
    assert (await calling.get("http://backend/old", follow_redirects=True)).text == "here"
    await calling.get("books", auth=("ada", "secret"))
    assert backend.asked[-1].headers["authorization"].startswith("Basic ")
    async with calling.stream("GET", "books") as answer:
        assert [part async for part in answer.aiter_bytes()] == [b"here"]


async def test_an_answer_that_breaks_off_is_closed_and_raised() -> None:
    class BreaksOff(httpx.AsyncByteStream):
        closed = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"he"
            raise httpx.ReadError("gone")

        async def aclose(self) -> None:
            self.closed = True

    body = BreaksOff()
    with pytest.raises(httpx.ReadError):
        await client(Backend(body)).get("books")
    assert body.closed


async def test_closed_it_closes_its_transport_and_sends_no_more() -> None:
    backend = Backend()
    calling = client(backend)
    await calling.get("books")
    await calling.aclose()
    assert backend.closed
    with pytest.raises(RuntimeError, match="closed"):
        await calling.get("books")
