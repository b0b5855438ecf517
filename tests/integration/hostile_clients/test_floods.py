"""Too much, and too slowly: what it costs is bounded, and others are answered meanwhile."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from tests.integration.hostile_clients.conftest import MIB, Program, Watch

from embedded.waiting import wait_until

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
MUCH = 60 * MIB

FLOODS = {
    "a header line": (HEAD + b"X: ", b"y" * 65_536, 431),
    "many header lines": (HEAD, b"X-Y: z\r\n" * 8_192, 431),
    "one name many times": (HEAD, b"Cookie: a=b\r\n" * 4_096, 431),
    "a request line": (b"GET /", b"y" * 65_536, 431),
    "a query": (b"GET /?", b"y=1&" * 16_384, 431),
    "a folded line": (HEAD + b"X: y\r\n", b" y\r\n" * 16_384, 400),
    "a trailer": (b"post" + CHUNKED + b"0\r\n", b"X: y\r\n" * 8_192, 431),
    "a trailer line": (b"post" + CHUNKED + b"0\r\nX: ", b"y" * 65_536, 431),
    "a chunk's extension": (b"post" + CHUNKED + b"1;", b"y" * 65_536, 431),
    "empty lines": (b"\r\n", b"\r\n" * 32_768, None),
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_head_without_end_is_refused_and_others_are_answered_meanwhile(
    program: Program, what: str
) -> None:
    begin, more, status = FLOODS[what]
    if begin.startswith(b"post"):
        bodiless = program.post().partition(b"Content-Length")[0]
        begin = begin.replace(b"post", bodiless)
    with Watch(program) as watch, program.connect() as client:
        client.send(begin)
        sent = 0
        while sent < MUCH and client.send(more):
            sent += len(more)
        if status is None:  # nothing that could be answered
            assert sent == MUCH or client.is_closed()
        else:
            answer = client.answer()
            assert (answer.status, answer.header(b"connection")) == (status, b"close")
            assert answer.header(b"content-type") == b"application/problem+json"
            assert client.is_closed()
    watch.assert_well(grown=32 * MIB)


def test_bodies_are_bounded_together(program: Program) -> None:
    """64 of 8 MiB at once. Some are taken; the others are told to come again."""
    request = program.post(8 * MIB - 1024)
    statuses: list[int] = []
    refused: list[bytes | None] = []

    def send() -> None:
        with program.connect() as client:
            client.send(request[:MIB])
            together.wait()
            client.send(request[MIB:])
            answer = client.answer()
            statuses.append(answer.status)
            if answer.status == 503:
                refused.append(answer.header(b"retry-after"))

    together = threading.Barrier(64)
    with Watch(program) as watch:
        threads = [threading.Thread(target=send) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(statuses) == 64
    taken = {program.door.written, 409}  # backend's rules are the same one, which there can be once
    assert set(statuses) <= {*taken, 503}
    assert taken & set(statuses)
    assert refused
    assert None not in refused
    watch.assert_well(grown=150 * MIB)
    assert program.exchange(program.post(8 * MIB - 1024)).status == program.door.written


def silent(_: Program) -> Iterator[bytes]:
    yield b""


def half_a_head(_: Program) -> Iterator[bytes]:
    yield b"GET /health"


def a_head_that_drips(_: Program) -> Iterator[bytes]:
    yield HEAD
    while True:
        yield b"X: y\r\n"


def half_a_body(program: Program) -> Iterator[bytes]:
    yield program.post(10_000)[:-5_000]


def a_large_half_body(program: Program) -> Iterator[bytes]:
    yield program.post(MIB)[: -MIB // 2]


def half_a_chunk(program: Program) -> Iterator[bytes]:
    yield program.post().partition(b"Content-Length")[0] + CHUNKED + b"5\r\nab"


def a_body_that_was_refused(program: Program) -> Iterator[bytes]:
    yield program.post(10_000).replace(b"Content-Type: ", b"Content-Type: text/")[:-5_000]


def an_offer_with_half_a_body(program: Program) -> Iterator[bytes]:
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    yield program.post(10_000, *offer)[:-5_000]


SLOW = {
    silent: None,
    half_a_head: 408,
    a_head_that_drips: 408,
    half_a_body: 408,
    a_large_half_body: 408,
    half_a_chunk: 408,
    a_body_that_was_refused: 415,
    an_offer_with_half_a_body: 408,
}


def test_what_does_not_come_in_time_is_given_up(program: Program) -> None:
    with contextlib.ExitStack() as stack:
        watch = stack.enter_context(Watch(program))
        clients = [
            (slow, slow(program), stack.enter_context(program.connect()))
            for slow in SLOW
            for _ in range(20)
        ]
        began = time.monotonic()
        while time.monotonic() - began < 8:  # all of them have 10 s
            for _, parts, client in clients:
                if part := next(parts, b""):
                    client.send(part)
            time.sleep(0.5)
        for slow, _, client in clients:
            client.socket.settimeout(60)  # a server that gets no turn counts no time
            if (status := SLOW[slow]) is not None:
                assert (slow.__name__, client.answer().status) == (slow.__name__, status)
            assert client.is_closed()
    watch.assert_well(grown=100 * MIB)


def test_silent_connections_are_bounded_and_keep_nobody_out(program: Program) -> None:
    with contextlib.ExitStack() as stack, Watch(program) as watch:
        for n in range(1_500):
            client = stack.enter_context(program.connect())
            if n % 3 == 0:
                client.send(b"GET / HTTP/1.1\r\nHost: local")
        wait_until(lambda: program.connections() <= 1_010, what="a bounded number of connections")
        assert program.lives()
    watch.assert_well(grown=64 * MIB)


def test_clients_that_read_nothing_cost_a_bounded_memory(program: Program) -> None:
    pages = program.get(program.door.page) * 2_000
    with contextlib.ExitStack() as stack:
        watch = stack.enter_context(Watch(program))
        for _ in range(10):
            client = stack.enter_context(program.connect(receive_buffer=2048))
            client.socket.settimeout(0.5)
            with contextlib.suppress(socket.timeout):
                client.send(pages)
        assert program.lives()
    watch.assert_well(grown=64 * MIB)
