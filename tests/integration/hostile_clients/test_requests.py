"""What a request is, for each program as it runs: hosts, HEAD, and offers to speak otherwise."""

import json

import pytest
from tests.integration.hostile_clients.conftest import Program, request

H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAA")
WEBSOCKET = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)

PAGES = {
    "bookapp": [
        b"/health",
        b"/health/live",
        b"/health/ready",
        b"/books",
        b"/books?limit=1000",
        b"/books/1",
        b"/books/99999999",
        b"/error-injection",
        b"/schema",
        b"/schema/openapi.json",
        b"/schema/asyncapi.json",
        b"/schema/assets/swagger-ui.js",
        b"/nothing",
    ],
    "backend": [
        b"/health/live",
        b"/health/ready",
        b"/books?ids=1,2",
        b"/books/99999999",
        b"/error-injection",
        b"/schema",
        b"/schema/openapi.json",
        b"/schema/asyncapi.json",
        b"/nothing",
    ],
    "receiver": [b"/health", b"/", b"/views.css", b"/api/status", b"/api/traces", b"/nothing"],
}
OWN = (b"traceparent", b"date", b"x-request-id")
"""Headers that are another one's in each answer."""


@pytest.mark.parametrize("size", [0, 5_000, 1_000_000])
def test_an_offer_of_h2c_is_ignored(program: Program, size: int) -> None:
    assert program.exchange(program.post(size, *H2C)).status == program.door.written


def test_pipelined_offers_of_h2c_are_all_answered(program: Program) -> None:
    with program.connect() as client:
        client.send(b"".join(program.post(size, *H2C) for size in (0, 5_000, 0, 1_000, 0)))
        assert [client.answer().status for _ in range(5)] == [program.door.written] * 5


def test_head_is_answered_as_get_without_a_body(program: Program) -> None:
    for path in PAGES[program.name]:
        with program.connect() as client:
            client.send(request(b"GET", path) + request(b"HEAD", path) + program.get())
            get, head = client.answer(), client.answer(bodiless=True)
            assert (path, head.status) == (path, get.status)
            assert client.answer().status == 200  # no byte of a body came between
        assert _lasting(head.head) == _lasting(get.head)


def test_a_wrong_method_is_told_that_head_is_allowed(program: Program) -> None:
    for method in (b"PUT", b"OPTIONS"):
        answer = program.exchange(program.get(program.door.page, method=method))
        allowed = (answer.header(b"allow") or b"").split(b", ")
        assert {b"get", b"head"} <= set(allowed)
        assert answer.status == (405 if method == b"PUT" else 204)


def _lasting(head: bytes) -> list[bytes]:
    return sorted(line for line in head.split(b"\r\n") if not line.startswith(OWN))


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"Host: localhost", b"Host: localhost"],
        [b"Host: localhost", b"Host: evil.example"],
        [b"Host: evil.example"],
        [b"Host: localhost.evil.example"],
        [b"Host: "],
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"DELETE"])
def test_a_request_names_one_host_and_that_is_ours(
    program: Program, method: bytes, lines: list[bytes]
) -> None:
    path = program.door.live.encode()
    data = b"\r\n".join([method + b" " + path + b" HTTP/1.1", *lines, b"", b""])
    with program.connect() as client:
        client.send(data)
        answer = client.answer(bodiless=method == b"HEAD")
    assert (answer.status, answer.header(b"content-type")) == (400, b"application/problem+json")


def test_a_websocket_is_refused_in_words(program: Program) -> None:
    with program.connect() as client:
        client.send(program.get(None, *WEBSOCKET))
        answer = client.answer()
        assert (answer.status, answer.header(b"connection")) == (400, b"close")
        assert answer.header(b"content-type") == b"application/problem+json"
        assert client.is_closed()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([b"Origin: http://evil.example"], 403),
        ([b"Origin: null"], 403),
        ([b"Sec-Fetch-Site: cross-site"], 403),
        ([b"Sec-Fetch-Site: same-site"], 403),
        ([b"Content-Type: text/plain"], 415),
        ([b"Content-Type: application/x-www-form-urlencoded"], 415),
        ([b"Content-Type: multipart/form-data; boundary=x"], 415),
        ([b"X-No: type"], 415),
    ],
)
def test_a_page_of_another_origin_writes_nothing(
    program: Program, lines: list[bytes], status: int
) -> None:
    write = program.post()
    if status == 415:
        typed = b"Content-Type: " + program.door.content_type
        write = program.post(10).replace(typed, b"\r\n".join(lines))
    else:
        write = program.post(10, *lines)
    assert program.exchange(write).status == status
    assert _is_documented(program, status)


def _is_documented(program: Program, status: int) -> bool:
    """Whether the service's own document says so of its write; the receiver has none."""
    if program.name == "receiver":
        return True
    paths = json.loads(program.exchange(program.get(b"/schema/openapi.json")).body)["paths"]
    return str(status) in paths[program.door.write.decode()]["post"]["responses"]
