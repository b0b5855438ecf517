"""Connections: how many there are, and how a server ends with all kinds of them."""

import contextlib
import logging
import time

import pytest
from tests.sockets import DEADLINE, Client
from tests.unit.serving.conftest import GET, post

from embedded.waiting import wait_until


def test_one_more_takes_the_place_of_the_one_that_waits_longest(serve):
    served = serve(connections=10)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(10)]
        for client in clients[1:]:
            client.send(GET)
            assert client.answer().status == 200
        newcomer = stack.enter_context(served.connect())
        newcomer.send(GET)
        assert newcomer.answer().status == 200
        assert clients[0].is_closed()
        clients[-1].send(GET)
        assert clients[-1].answer().status == 200


def test_idle_connections_do_not_keep_others_out(serve):
    served = serve(connections=20)
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(served.connect())
            began = time.monotonic()
            assert served.lives()
            assert time.monotonic() - began < 2.0
        assert len(served.server.server_state.connections) <= 20


def test_half_heads_do_not_keep_others_out_and_are_told(serve):
    served = serve(connections=5)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(5)]
        for client in clients:
            client.send(b"GET /n HTTP/1.1\r\nHost")
        assert served.lives()
        assert clients[0].answer().status == 503


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("says", [b"", b"GET /n HTTP/1.1\r\nHost"])
def test_who_has_sent_a_request_is_not_pushed_out_before_it_is_read(serve, loop, says):
    """All come while the loop stands, and asyncio's accepts them in one round."""
    served = serve(options={"loop": loop}, connections=10)
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(served.connect())
        busy.send(GET.replace(b"/n", b"/stands"))
        assert served.application.stands.wait(DEADLINE)
        first = stack.enter_context(served.connect())
        first.send(GET)
        crowd = [stack.enter_context(served.connect()) for _ in range(60)]
        for client in crowd[:5]:
            client.send(says)
        served.application.gate.set()
        assert first.answer().status == 200
        assert busy.answer().status == 200
        assert served.lives()
        wait_until(lambda: len(served.server.server_state.connections) <= 10, what="few")


def test_when_all_have_requests_one_more_is_answered_503(serve, caplog):
    served = serve(connections=5, leave_s=0.5)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(5)]
        for client in clients:
            client.send(GET.replace(b"/n", b"/held"))
        wait_until(lambda: len(served.application.scopes) == 5, 10, what="the requests")
        for _ in range(10):
            refused = served.exchange(post(b"x" * 100_000))
            assert (refused.status, refused.header(b"retry-after")) == (503, b"1")
            assert refused.header(b"connection") == b"close"
        served.application.gate.set()
        assert [client.answer().status for client in clients] == [200] * 5
        assert served.lives()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1  # not one for each


def test_an_answer_that_nobody_reads_is_given_up(serve):
    served = serve(unread_s=0.5, leave_s=0.5)
    client = Client(served.port, receive_buffer=2048)
    client.send(GET.replace(b"/n", b"/page") * 100)
    wait_until(lambda: served.server.server_state.connections, 10, what="the connection")
    wait_until(lambda: not served.server.server_state.connections, 10, what="its end")
    assert served.lives()
    client.socket.close()


def test_an_answer_that_is_read_slowly_is_not_given_up(serve):
    served = serve(unread_s=1.5)
    with Client(served.port, receive_buffer=4096) as client:
        client.send(GET.replace(b"/n", b"/page") * 10)
        for _ in range(10):  # longer than a client may take that reads nothing
            time.sleep(0.3)
            client._read += client.socket.recv(1 << 17)
        assert [len(client.answer().body) for _ in range(10)] == [300_000] * 10


def head_without_end(client):
    client.send(b"GET /n HTTP/1.1\r\nHost: loc")


def half_body(client):
    client.send(post(b"x" * 100)[:-50])


def large_half_body(client):
    client.send(post(b"x" * 1_000_000)[:-50])


def pages_unread(client):
    client.send(GET.replace(b"/n", b"/page") * 10)


def many_pages_unread(client):
    client.send(GET.replace(b"/n", b"/page") * 2000)


def one_page_unread_and_closed(client):
    client.send(GET.replace(b"/n", b"/page").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))


def request_in_work(client):
    client.send(GET.replace(b"/n", b"/held"))


def kept(client):
    client.send(GET)
    assert client.answer().status == 200


def flood(client):
    client.send(b"GET /n HTTP/1.1\r\nX: " + b"y" * 500_000)


def nothing(client):
    pass


CLIENTS = [
    head_without_end, half_body, large_half_body, pages_unread, many_pages_unread,
    one_page_unread_and_closed, request_in_work, kept, flood, nothing,
]  # fmt: skip


@pytest.mark.parametrize("behaves", [*CLIENTS, None], ids=lambda it: it.__name__ if it else "all")
def test_a_stop_ends_in_time_and_quietly_whatever_clients_do(serve, caplog, behaves):
    caplog.set_level(logging.WARNING)
    served = serve(stop_s=0.5)
    with contextlib.ExitStack() as stack:
        for one in CLIENTS if behaves is None else [behaves] * 5:
            client = stack.enter_context(Client(served.port, receive_buffer=2048))
            one(client)
        wait_until(lambda: served.lives(), 10)
        began = time.monotonic()
        served.stop()
        assert time.monotonic() - began < 4
    assert [record.getMessage() for record in caplog.records] == []


def test_a_request_in_work_is_answered_before_the_end(serve):
    served = serve(stop_s=10)
    with served.connect() as client:
        client.send(GET.replace(b"/n", b"/held") + GET)
        wait_until(lambda: served.application.scopes, 10, what="the request")
        served.server.should_exit = True
        time.sleep(0.5)
        served.application.gate.set()
        answer = client.answer()
        assert (answer.status, answer.header(b"connection")) == (200, b"close")
        assert client.is_closed()
