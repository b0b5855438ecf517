"""What a request is: its framing, its Host, and offers to speak something else."""

import logging

import pytest
from tests.sockets import Client
from tests.unit.serving.conftest import GET, post

from embedded.waiting import wait_until

HOST = b"Host: localhost\r\n"

SMUGGLING = {
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": b"Content-Length: 3, 3\r\n\r\nabc",
    "length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "chunked not last": b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "no chunks": b"Transfer-Encoding: gzip\r\n\r\nabc",
    "a folded encoding": b"Transfer-Encoding:\r\n xchunked\r\n\r\n0\r\n\r\n",
    "a signed length": b"Content-Length: +3\r\n\r\nabc",
    "a negative length": b"Content-Length: -3\r\n\r\nabc",
    "a length in hex": b"Content-Length: 0x3\r\n\r\nabc",
    "a length without end": b"Content-Length: " + b"9" * 400 + b"\r\n\r\nabc",
    "an empty length": b"Content-Length: \r\n\r\nabc",
    "a space before the colon": b"Content-Length : 3\r\n\r\nabc",
    "no colon": b"Content-Length 3\r\n\r\nabc",
    "a NUL": b"X: a\x00b\r\n\r\n",
    "a bare CR": b"X: a\rb\r\n\r\n",
    "a chunk of a wrong size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk without end": b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\nabc",
    "more than the chunk": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("what", SMUGGLING)
def test_a_request_of_doubtful_length_is_refused_and_ends_its_connection(serve, what):
    served = serve()
    head = b"POST /n HTTP/1.1\r\n" + HOST
    with served.connect() as client:
        client.send(head + SMUGGLING[what] + GET)
        answer = client.answer()
        assert answer.status == 400
        assert answer.header(b"connection") == b"close"
        assert client.is_closed()
    assert not [scope for scope in served.application.scopes if scope["method"] == "GET"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /\xff HTTP/1.1",
        b"GET  HTTP/1.1",
        b"GET / HTTP/2.0",
        b"GET / HTTP/1.2",
        b"GET /",
        b"/ GET HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"CONNECT localhost:443 HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS client
        b"GET http://other.example/n HTTP/1.1",
        b"GET http://localhost:81/n HTTP/1.1",
    ],
)
def test_what_is_no_request_is_refused(serve, line):
    served = serve()
    answer = served.exchange(line + b"\r\n" + HOST + b"\r\n")
    assert (answer.status, answer.header(b"content-type")) == (400, b"application/problem+json")
    assert served.application.scopes == []
    assert served.lives()


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        (b"1.1", [], 400),
        (b"1.1", [b"localhost", b"localhost"], 400),
        (b"1.1", [b"localhost", b"evil.example"], 400),
        (b"1.0", [b"localhost", b"evil.example"], 400),
        (b"1.1", [b"localhost"], 200),
        (b"1.1", [b"LOCALHOST:80"], 200),
        (b"1.0", [b"localhost"], 200),
        (b"1.0", [], 200),
    ],
)
def test_a_request_has_one_host(serve, version, hosts, status):
    served = serve()
    lines = b"".join(b"Host: " + host + b"\r\n" for host in hosts)
    assert served.exchange(b"GET /n HTTP/" + version + b"\r\n" + lines + b"\r\n").status == status


def test_an_absolute_target_is_taken_for_its_path(serve):
    served = serve()
    assert (
        served.exchange(b"GET http://localhost/n?a=b HTTP/1.1\r\n" + HOST + b"\r\n").status == 200
    )
    scope = served.application.scopes[0]
    assert (scope["path"], scope["query_string"]) == ("/n", b"a=b")


H2C = [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"]


@pytest.mark.parametrize("size", [0, 3, 5_000, 1_000_000])
@pytest.mark.parametrize("offer", [H2C, [b"Connection: upgrade", b"Upgrade: TLS/1.0, h2c"]])
def test_an_offer_to_change_the_protocol_is_ignored(serve, offer, size):
    served = serve()
    request = post(b"x" * size, *offer)
    with served.connect() as client:
        client.send(request)
        assert client.answer().body == b"%d" % size
        client.send(request[:100])  # and again, in pieces
        client.send(request[100:])
        assert client.answer().body == b"%d" % size
        client.send(GET)
        assert client.answer().status == 200
    names = {name for name, _ in served.application.scopes[0]["headers"]}
    assert not names & {b"upgrade", b"http2-settings"}


def test_an_offer_before_a_chunked_body_is_ignored(serve):
    served = serve()
    head = b"POST /n HTTP/1.1\r\n" + HOST + b"\r\n".join(H2C)
    request = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    assert served.exchange(request).body == b"3"


def test_pipelined_offers_are_all_answered(serve):
    served = serve()
    offers = [post(b"x" * n, *H2C) for n in range(40)]
    with served.connect() as client:
        client.send(b"".join(offers))
        assert [client.answer().body for _ in offers] == [b"%d" % n for n in range(40)]


def test_an_offer_keeps_what_was_said_of_the_connection(serve):
    served = serve()
    with served.connect() as client:
        client.send(post(b"x", b"Connection: close, Upgrade", b"Upgrade: h2c"))
        assert client.answer().header(b"connection") == b"close"
        assert client.is_closed()


def test_an_offer_has_one_host_too(serve):
    request = b"GET /n HTTP/1.1\r\n" + b"\r\n".join(H2C) + b"\r\n\r\n"
    assert serve().exchange(request).status == 400


def test_a_websocket_is_refused_in_words(serve, caplog):
    served = serve()
    lines = [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"]
    request = b"GET /n HTTP/1.1\r\n" + HOST + b"\r\n".join(lines) + b"\r\n\r\n"
    with served.connect() as client:
        client.send(request)
        answer = client.answer()
        assert (answer.status, answer.header(b"connection")) == (400, b"close")
        assert client.is_closed()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_trailers_are_no_headers_of_this_request_or_the_next(serve):
    served = serve()
    chunked = b"POST /n HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    trailer = b"0\r\nAuthorization: Bearer stolen\r\nHost: other\r\n\r\n"
    with served.connect() as client:
        client.send(chunked + b"3\r\nabc\r\n" + trailer + GET)
        assert [client.answer().status for _ in range(2)] == [200, 200]
    for scope in served.application.scopes:
        names = [name for name, _ in scope["headers"]]
        assert b"authorization" not in names
        assert names.count(b"host") == 1


# Pipelining


def test_pipelined_requests_are_answered_in_order(serve):
    served = serve()
    requests = [GET if n % 3 else post(b"x" * n * 50) for n in range(300)]
    with served.connect() as client:
        client.send(b"".join(requests))
        for n in range(300):
            assert client.answer().body == b"%d" % (0 if n % 3 else n * 50)


def test_few_of_many_pipelined_requests_are_in_memory(serve):
    served = serve()
    with served.connect() as client:
        client.send(GET.replace(b"/n", b"/held") + GET * 5_000)
        wait_until(lambda: served.application.scopes, 10, what="the first")
        (protocol,) = served.server.server_state.connections
        assert len(protocol.pipeline) < 100
        served.application.gate.set()
        assert [client.answer().status for _ in range(5_001)] == [200] * 5_001


def test_a_refusal_waits_for_its_turn(serve):
    served = serve()
    held = GET.replace(b"/n", b"/held")
    with served.connect() as client:
        client.send(held + post(b"abc") + b"nonsense\r\n\r\n" + GET)
        wait_until(lambda: served.application.scopes, 10, what="the first")
        served.application.gate.set()
        assert [client.answer().status for _ in range(3)] == [200, 200, 400]
        assert client.is_closed()
    with served.connect() as client:  # in the body of one that waits
        broken = b"POST /n HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
        client.send(GET + broken + GET)
        assert [client.answer().status for _ in range(2)] == [200, 400]
        assert client.is_closed()


@pytest.mark.parametrize("path", [b"/page", b"/held"])
def test_a_client_that_goes_away_is_no_error(serve, caplog, path):
    served = serve()
    for _ in range(20):
        client = Client(served.port, receive_buffer=2048)
        client.send(GET.replace(b"/n", path) * 20)
        client.socket.recv(10) if path == b"/page" else None
        client.socket.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # reset, at once
        client.socket.close()
    served.application.gate.set()
    wait_until(lambda: not served.server.server_state.tasks, 10, what="the end of all requests")
    wait_until(lambda: not served.server.server_state.connections, 10, what="no connections")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_an_exception_is_logged_and_answered_500(serve, caplog):
    served = serve()
    with served.connect() as client:
        client.send(GET.replace(b"/n", b"/broken") + GET)
        assert client.answer().status == 500
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ValueError]


def test_head_is_answered_without_a_body(serve):
    served = serve()
    with served.connect() as client:
        client.send(b"HEAD /page HTTP/1.1\r\n" + HOST + b"\r\n" + GET)
        answer = client.answer(bodiless=True)
        assert (answer.status, answer.header(b"content-length")) == (200, b"300000")
        assert client.answer().body == b"0"
    with served.connect() as client:
        client.send(b"HEAD /n HTTP/1.1\r\n\r\n")
        assert client.answer(bodiless=True).status == 400
        assert client.is_closed()
