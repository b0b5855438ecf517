"""Details come in one call, and their absence costs a page little and breaks it never."""

import asyncio
import time

import httpx
import msgspec
import pytest

from bookapp.books.details import DetailsSource
from contracts.backend_client import Client
from delivery.circuit import Circuit

from .conftest import entry


def source(answer, url: str = "http://backend:8001", **kwargs) -> DetailsSource:
    transport = httpx.MockTransport(answer)
    return DetailsSource(Client(url, httpx_args={"transport": transport}), **kwargs)


def entries(*ids: int) -> httpx.Response:
    return httpx.Response(200, content=msgspec.json.encode([entry(book_id) for book_id in ids]))


async def test_entries_are_asked_for_in_one_call():
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return entries(3)

    details = source(answer)
    assert await details.between(1, 3) == {3: entry(3)}
    (request,) = requests
    assert (request.method, request.url.host, request.url.port) == ("GET", "backend", 8001)
    assert request.url.raw_path == b"/books?after=0&until=3"
    assert request.extensions["url_template"] == "/books"
    await details.close()


async def test_a_path_of_backend_s_address_goes_out_escaped():
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return entries()

    await source(answer, "http://backend/a%20b/").between(1, 1)
    assert requests[0].url.raw_path == b"/a%20b/books?after=0&until=1"


async def test_what_a_newer_backend_says_more_is_no_error():
    newer = {**msgspec.to_builtins(entry(1)), "more": [1]}
    assert await source(lambda _: httpx.Response(200, json=[newer])).between(1, 1) == {1: entry(1)}


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(503),
        httpx.Response(302, headers={"location": "/elsewhere"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json={"detail": "no list"}),
        httpx.Response(200, json=[{"id": 1}]),
        httpx.Response(200, content=b'[{"book_id": 1, "title": "\xff"}, {"\xff": 1}]'),
    ],
)
async def test_any_other_answer_is_no_details(response):
    assert await source(lambda _: response).between(1, 1) == {}


async def test_a_slow_backend_costs_the_time_limit_and_no_more():
    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError

    details = source(slow, timeout=0.1)
    began = time.monotonic()
    assert await details.between(1, 1) == {}
    assert time.monotonic() - began < 1


async def test_a_dead_backend_is_asked_now_and_then_only():
    calls = 0

    def refuse(_: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        raise httpx.ConnectError("refused")

    details = source(refuse)
    for _ in range(20):
        assert await details.between(1, 1) == {}
    assert calls == 3


async def test_details_return_when_backend_does():
    now, alive = 0.0, False

    def answer(_: httpx.Request) -> httpx.Response:
        return entries(1) if alive else httpx.Response(503)

    details = source(answer, circuit=Circuit(threshold=2, interval=5, clock=lambda: now))
    for _ in range(3):
        await details.between(1, 1)
    alive = True
    assert await details.between(1, 1) == {}
    now = 5.0
    assert list(await details.between(1, 1)) == [1]
    assert list(await details.between(1, 1)) == [1]
