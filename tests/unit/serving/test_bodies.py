"""Bodies: how large they may be, alone and together, and how long they may take."""

import time

import pytest
from tests.unit.serving.conftest import GET, post

from embedded.waiting import wait_until

KIB = 1024
CHUNKED = b"POST /n HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def announced(size: int, *more: bytes, path: bytes = b"/n") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: localhost", *more]
    return b"\r\n".join([*lines, b"Content-Length: %d" % size, b"", b""])


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 65_536, 65_537, 3_000_000])
def test_a_body_arrives_whole(serve, size):
    served = serve()
    assert served.exchange(post(b"x" * size)).body == b"%d" % size
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in [b"x" * 1000] * (size // 1000))
    assert served.exchange(CHUNKED + chunks + b"0\r\n\r\n").body == b"%d" % (size // 1000 * 1000)


@pytest.mark.parametrize("piece", [1, 3, 100])
def test_a_body_arrives_whole_in_pieces(serve, piece):
    served = serve()
    chunks = b"".join(b"%x;x=y\r\n%s\r\n" % (len(c), c) for c in [b"x" * 50] * 40)
    for request in (post(b"x" * 2000), CHUNKED + chunks + b"0\r\nTrailer: t\r\n\r\n"):
        with served.connect() as client:
            for _ in range(2):
                for begin in range(0, len(request), piece):
                    client.send(request[begin : begin + piece])
                assert client.answer().body == b"2000"


def test_a_body_over_the_limit_is_refused_before_it_is_sent(serve):
    served = serve(body=100 * KIB)
    answer = served.exchange(announced(100 * KIB + 1))
    assert (answer.status, answer.header(b"connection")) == (413, b"close")
    assert served.exchange(post(b"x" * 100 * KIB)).status == 200


def test_a_chunked_body_over_the_limit_is_refused_as_soon_as_it_is(serve):
    served = serve(body=1024 * KIB)
    with served.connect() as client:
        client.send(CHUNKED)
        while client.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n"):
            if len(served.application.ended) > 0:
                break
        assert client.answer().status == 413
    assert served.application.ended == ["disconnected"]


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_are_bounded_together_and_small_ones_always_find_room(serve, chunked):
    served = serve(bodies=1024 * KIB, body=1024 * KIB, small_body=4 * KIB)
    first = announced(1024 * KIB, path=b"/held") + b"x" * 1024 * KIB
    if chunked:
        size = 1000 * KIB
        first = CHUNKED.replace(b"/n", b"/held")
        first += b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)
    with served.connect() as holder:
        holder.send(first)
        wait_until(lambda: served.application.scopes, 10, what="the first body")
        wait_until(lambda: served.exchange(announced(900 * KIB)).status == 503, 10, what="no room")
        refused = served.exchange(announced(900 * KIB))
        assert (refused.status, refused.header(b"retry-after")) == (503, b"1")
        assert refused.header(b"connection") == b"close"
        assert served.exchange(post(b"x" * 4 * KIB)).body == b"4096"
        served.application.gate.set()
        assert holder.answer().status == 200
        holder.send(post(b"x" * 900 * KIB))
        assert holder.answer().body == b"%d" % (900 * KIB)


@pytest.mark.parametrize("end", ["answer", "disconnect", "stall", "exception"])
def test_room_is_given_back_however_a_request_ends(serve, end):
    served = serve(bodies=512 * KIB, small_body=4 * KIB, stalled_s=0.3)
    begun, ended = served.application.scopes, served.application.ended
    for _ in range(3):
        with served.connect() as client:
            if end in ("disconnect", "stall"):
                client.send(announced(500 * KIB) + b"x")
                if end == "stall":
                    assert client.answer().status == 408
                else:
                    wait_until(lambda: len(begun) > len(ended), 10, what="the request")
                    client.socket.close()
                wait_until(lambda: begun and len(begun) == len(ended), 10, what="its end")
            else:
                path = b"/broken" if end == "exception" else b"/n"
                client.send(post(b"x" * 500 * KIB, path=path))
                assert client.answer().status == (500 if end == "exception" else 200)
    assert served.exchange(post(b"x" * 500 * KIB)).status == 200


@pytest.mark.parametrize("kind", ["nothing", "some", "a part of a chunk"])
def test_a_body_that_stalls_is_answered_408(serve, kind):
    served = serve(stalled_s=0.5)
    begun = {
        "nothing": announced(1000),
        "some": announced(100_000) + b"x" * 50_000,
        "a part of a chunk": CHUNKED + b"5\r\nxx",
    }
    with served.connect() as client:
        client.send(begun[kind])
        answer = client.answer()
        assert (answer.status, answer.header(b"connection")) == (408, b"close")
        assert client.is_closed()
    wait_until(lambda: served.application.ended == ["disconnected"], 10, what="the end")


def test_a_body_that_drips_has_to_come_in_time(serve):
    served = serve(stalled_s=1.0, body_s=2.0)
    with served.connect() as client:
        client.send(announced(100_000))
        while client.send(b"x"):
            time.sleep(0.1)
            if served.application.ended:
                break
        assert client.answer().status == 408


def test_a_slow_body_that_comes_in_time_is_taken(serve):
    served = serve(stalled_s=1.5)
    with served.connect() as client:
        client.send(announced(5))
        for _ in range(5):
            time.sleep(0.4)
            client.send(b"x")
        assert client.answer().body == b"5"


def test_an_application_that_takes_its_time_is_not_taken_for_a_slow_body(serve):
    served = serve(stalled_s=0.5, body_s=0.5, head_s=0.5, unread_s=0.5)
    with served.connect() as client:
        client.send(post(b"x" * 100, path=b"/held"))
        time.sleep(2)
        served.application.gate.set()
        assert client.answer().body == b"100"


def test_a_client_that_waits_for_leave_gets_it_or_the_refusal_at_once(serve):
    served = serve(body=100 * KIB)
    with served.connect() as client:
        client.send(announced(3, b"Expect: 100-continue"))
        assert client.answer(bodiless=True).status == 100
        client.send(b"abc")
        assert client.answer().body == b"3"
    assert served.exchange(announced(200 * KIB, b"Expect: 100-continue")).status == 413


@pytest.mark.parametrize("rest", [10, 3_000_000])
def test_what_was_answered_before_its_body_is_read_does_not_break_the_connection(serve, rest):
    """A short rest is read and left; a long one ends the connection, after the answer."""
    served = serve(leave_s=1.0)
    with served.connect() as client:
        client.send(announced(rest, path=b"/unread"))
        assert client.answer().body == b"0"
        client.send(b"x" * rest)
        if rest == 10:
            client.send(GET)
            assert client.answer().status == 200
        else:
            assert client.is_closed()


def test_a_body_that_was_not_waited_for_ends_in_time(serve):
    served = serve(head_s=0.5, leave_s=0.5)
    with served.connect() as client:
        client.send(announced(1000, path=b"/unread"))
        assert client.answer().status == 200
        assert client.is_closed()
