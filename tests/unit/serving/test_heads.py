"""Headers: how large they may be and how long they may take, whatever way they come."""

import time

import pytest
from tests.unit.serving.conftest import GET, post

KIB = 1024
LINE = b"GET /n HTTP/1.1\r\nHost: localhost\r\n"


def many(size: int) -> bytes:
    return b"".join(b"X-%03d: %s\r\n" % (n, b"y" * 1000) for n in range(size // 1009))


FLOODS = {
    "one line": LINE + b"X: " + b"y" * 2_000_000,
    "a name without end": LINE + b"y" * 2_000_000,
    "a path without end": b"GET /" + b"y" * 2_000_000,
    "a query without end": b"GET /?" + b"y=1&" * 500_000,
    "many lines": LINE + many(2_000_000),
    "short lines": LINE + b"X: y\r\n" * 300_000,
    "a method without end": b"G" * 2_000_000,
    "the trailer of a chunked body": LINE.replace(b"GET", b"POST")
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: "
    + b"y" * 2_000_000,
    "the extension of a chunk": LINE.replace(b"GET", b"POST")
    + b"Transfer-Encoding: chunked\r\n\r\n1;"
    + b"y" * 2_000_000,
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_head_without_end_is_refused_and_others_are_answered_meanwhile(serve, what):
    served = serve()
    flood = FLOODS[what]
    with served.connect() as client:
        for begin in range(0, len(flood), 256 * KIB):
            client.send(flood[begin : begin + 256 * KIB])
            began = time.monotonic()
            assert served.lives()
            assert time.monotonic() - began < 2.0
        answer = client.answer()
        assert answer.status == (400 if what == "a method without end" else 431)
        assert answer.header(b"connection") == b"close"
        assert client.is_closed()


@pytest.mark.parametrize("piece", [1, 7, 1000, 2048, 4096])
def test_a_head_without_end_is_refused_however_small_its_pieces_are(serve, piece):
    served = serve(head=8 * KIB)
    flood = LINE + b"X: " + b"y" * 20_000
    with served.connect() as client:
        for begin in range(0, len(flood), piece):
            if not client.send(flood[begin : begin + piece]):
                break
        assert client.answer().status == 431


@pytest.mark.parametrize("size", [100, 2000, 10_000, 60_000])
def test_a_large_head_within_the_limit_is_answered(serve, size):
    served = serve()
    head = LINE + b"X: " + b"y" * size + b"\r\n\r\n"
    assert served.exchange(head).status == 200
    assert dict(served.application.scopes[0]["headers"])[b"x"] == b"y" * size
    # and on a connection that is kept, in pieces, and with a body behind it
    with served.connect() as client:
        for _ in range(3):
            client.send(head[:50])
            client.send(head[50:])
            assert client.answer().status == 200
        client.send(post(b"z" * 5000, b"X: " + b"y" * size))
        assert client.answer().body == b"5000"


def test_the_limit_counts_each_head_for_itself(serve):
    served = serve(head=4 * KIB)
    with served.connect() as client:
        for _ in range(50):
            client.send(LINE + b"X: " + b"y" * 1000 + b"\r\n\r\n")
            assert client.answer().status == 200
        client.send(b"".join(LINE + b"X: " + b"y" * 1000 + b"\r\n\r\n" for _ in range(50)))
        assert [client.answer().status for _ in range(50)] == [200] * 50


def test_a_head_of_too_many_lines_is_refused(serve):
    served = serve(headers=20)
    lines = b"".join(b"X-%d: y\r\n" % n for n in range(19))
    assert served.exchange(LINE + lines + b"\r\n").status == 200
    assert served.exchange(LINE + lines + b"X: y\r\n\r\n").status == 431


def test_a_head_that_does_not_end_in_time_is_answered_408(serve):
    served = serve(head_s=1.0)
    with served.connect() as client:
        client.send(LINE)
        began = time.monotonic()
        while time.monotonic() - began < 4 and client.send(b"X: y\r\n"):  # it goes on and on
            time.sleep(0.1)
            if not served.lives():
                break
        assert client.answer().status == 408
        assert client.is_closed()


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET", LINE, GET + b"GET /n"])
def test_a_silent_connection_is_closed(serve, sent):
    served = serve(head_s=0.5, options={"timeout_keep_alive": 1})
    with served.connect() as client:
        client.send(sent)
        if sent.startswith(GET):
            assert client.answer().status == 200
        if sent.strip():
            assert client.answer().status == 408
        assert client.is_closed()


def test_empty_lines_do_not_keep_a_connection_open(serve):
    served = serve(head_s=1.0)
    with served.connect() as client:
        began = time.monotonic()
        while client.send(b"\r\n"):
            time.sleep(0.05)
            assert time.monotonic() - began < 15
        assert client.is_closed()


def test_a_kept_connection_is_closed_after_its_pause(serve):
    served = serve(options={"timeout_keep_alive": 1})
    with served.connect() as client:
        client.send(GET)
        assert client.answer().status == 200
        assert client.is_closed()


def test_a_kept_connection_that_is_used_stays(serve):
    served = serve(head_s=0.5, options={"timeout_keep_alive": 3})
    with served.connect() as client:
        for _ in range(6):
            client.send(GET)
            assert client.answer().status == 200
            time.sleep(0.5)
