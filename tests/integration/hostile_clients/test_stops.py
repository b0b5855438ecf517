"""A stop is soon, quiet and complete, whatever clients do; and a client that goes is no error."""

import contextlib
import signal
import socket
import struct
import time
from collections.abc import Callable

import pytest
from tests.integration.hostile_clients.conftest import MIB, NAMES, Program, Start
from tests.sockets import Client

from embedded.postgres import Postgres
from embedded.receiver import Receiver
from embedded.waiting import wait_until

WITHIN = 10.0
"""Seconds until a stop has ended: the grace that Compose and Kubernetes give, at least."""


def pages_unread(program: Program, client: Client) -> None:
    client.socket.settimeout(0.5)
    with contextlib.suppress(TimeoutError):
        client.send(program.get(program.door.page) * 2_000)


def half_a_head(program: Program, client: Client) -> None:
    client.send(program.get()[:-2])


def half_a_body(program: Program, client: Client) -> None:
    client.send(program.post(10_000)[:-1])


def a_large_half_body(program: Program, client: Client) -> None:
    client.send(program.post(2 * MIB)[:-MIB])


def half_a_body_after_pages(program: Program, client: Client) -> None:
    client.send(program.get(program.door.page) * 20 + program.post(10_000)[:-1])


def half_a_chunk(program: Program, client: Client) -> None:
    head = program.post().partition(b"Content-Length")[0]
    client.send(head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab")


def a_flood(program: Program, client: Client) -> None:
    client.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 500_000)


def kept(program: Program, client: Client) -> None:
    client.send(program.get())
    assert client.answer().status == 200


def silent(program: Program, client: Client) -> None:
    pass


BEHAVIOURS: list[Callable[[Program, Client], None]] = [
    pages_unread, half_a_head, half_a_body, a_large_half_body, half_a_body_after_pages,
    half_a_chunk, a_flood, kept, silent,
]  # fmt: skip


@pytest.mark.parametrize("name", [*NAMES, "two workers"])
def test_a_stop_ends_in_time_whatever_clients_do(
    start: Start, receiver: Receiver, postgres_server: Postgres, name: str
) -> None:
    workers = ("--workers", "2") if name == "two workers" else ()
    program = start("bookapp" if workers else name, *workers)
    with contextlib.ExitStack() as stack:
        for behaves in BEHAVIOURS * 3:
            client = stack.enter_context(program.connect(receive_buffer=2048))
            behaves(program, client)
        assert program.exchange(program.post()).status == program.door.written
        began = time.monotonic()
        program.process.signal(signal.SIGTERM)
        code = program.process.wait(30)
        took = time.monotonic() - began
    print(f"{name}: stopped after {took:.1f} s")
    assert took < WITHIN
    assert program.complaints() == []
    assert code == 0
    if name == "receiver":
        return
    service = "backend" if name == "backend" else "bookapp"
    path = program.door.write.decode()
    wait_until(lambda: receiver.spans(service=service, name=f"POST {path}"), what="its span")
    assert receiver.metrics(service=service, name="http.server.request.duration")
    assert receiver.logs(service=service)
    assert receiver.sentry_events() == []
    if service == "bookapp":
        database = program.environ["DATABASE_URL"].rpartition("/")[2]
        expired = "SELECT expires_at < clock_timestamp() FROM relay_lease"
        assert postgres_server.execute(expired, database).strip() == "t"


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_goes_away_is_no_error(start: Start, receiver: Receiver, name: str) -> None:
    program = start(name)
    for n in range(30):
        client = program.connect(receive_buffer=2048)
        write = program.post(100_000)
        client.send([program.get(program.door.page) * 20, write + write[:-1], write[:-1]][n % 3])
        if n % 3 == 0 and n % 2:
            client.socket.recv(10)
        # Linger for no time: the connection is reset.
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
    wait_until(lambda: program.connections() == 0, what="the end of their connections")
    assert program.lives()
    assert program.process.stop() == 0
    assert program.complaints() == []
    assert receiver.sentry_events() == []
    assert [log for log in receiver.logs() if log.level in ("ERROR", "FATAL")] == []
