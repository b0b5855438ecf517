"""What a page in a browser may do: hosts, origins, content types; and HEAD."""

import asyncio
import json

import pytest

from serving import Front, host_names

JSON = (b"content-type", b"application/json")


class Inside:
    """The application behind the front; it notes what came through."""

    def __init__(self):
        self.methods = []

    async def __call__(self, scope, receive, send):
        self.methods.append(scope["method"])
        scope["path_template"] = "/t"
        headers = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"bo", "more_body": True})
        await send({"type": "http.response.body", "body": b"dy"})


def ask(
    front,
    method="GET",
    *headers,
    host=b"localhost:8000",
    version="1.1",
    arrived_at="192.0.2.7",
):
    """The status, the messages, and the scope as it is after the request."""
    sent = []

    async def receive():
        raise AssertionError("nobody reads")

    async def send(message):
        # What the server would see of the method at this time.
        sent.append({**message, "method": scope["method"]})

    lines = [*headers] if host is None else [(b"host", host), *headers]
    scope = {
        "type": "http", "method": method, "path": "/", "headers": lines, "http_version": version,
        "server": (arrived_at, 8000), "scheme": "http",
    }  # fmt: skip
    asyncio.run(front(scope, receive, send))
    return sent[0]["status"], sent, scope


@pytest.mark.parametrize(
    ("host", "names", "taken"),
    [
        (b"localhost", "", True),
        (b"localhost:8000", "", True),
        (b"LocalHost.", "", True),
        (b"books.localhost", "", True),
        (b"127.0.0.1:1", "", True),
        (b"127.1.2.3", "", True),
        (b"[::1]:8000", "", True),
        (b"[::1]", "", True),
        (b"[0:0:0:0:0:0:0:1]", "", True),
        (b"[::ffff:127.0.0.1]:8000", "", True),
        (b"[::ffff:10.0.0.1]", "", False),
        (b"[::2]", "", False),
        (b"[:::1]", "", False),
        (b"[::1", "", False),
        (b"::1", "", False),
        (b"[::1%25lo]", "", False),
        (b"[localhost]", "", False),
        (b"localhost:", "", True),  # an empty port is one (RFC 3986, section 3.2.3)
        (b"localhost:123456", "", False),
        (b"localhost:8000:8000", "", False),
        (b"localhost:+80", "", False),
        (b"localhost..", "", False),
        (b"127.0.0.1.", "", True),
        (b"EVIL.example.", "", False),
        (b"192.0.2.7.", "", True),
        (b"192.0.2.7:8000", "", True),  # where the request arrived
        (b"192.0.2.8", "", False),
        (b"10.0.0.1", "", False),
        (b"evil.example", "", False),
        (b"localhost.evil.example", "", False),
        (b"127.0.0.1.evil.example", "", False),
        (b"evillocalhost", "", False),
        (b"evil.example:80@localhost", "", False),
        (b"localhost, evil.example", "", False),
        (b"local host", "", False),
        (b"localhost:port", "", False),
        (b"127.0.0.1\xff", "", False),
        (b"2130706433", "", False),
        (b"0.0.0.0", "", False),
        (b"[::]", "", False),
        (b"", "", False),
        (None, "", False),
        (b"books.example", "books.example", True),
        (b"books.example:443", "bookapp, Books.Example", True),
        (b"a.books.example", "books.example", False),
        (b"a.books.example", "*.books.example", True),
        (b"books.example", "*.books.example", False),
        (b"evilbooks.example", "*.books.example", False),
        (b"10.0.0.1:8000", "10.0.0.1", True),
        (b"[2001:db8::1]:8000", "[2001:db8::1]", True),
        (b"[2001:DB8:0::1]", "2001:db8::1", True),
        (b"[2001:db8::1]", "2001:0DB8::0001", True),
        (b"[2001:db8::2]", "2001:db8::1", False),
        (b"books.example.", "books.example", True),
        (b"a.books.example.", "*.books.example", True),
        (b"a.b.books.example", "*.books.example", True),
        (b".books.example", "*.books.example", True),
        (b"books.example.evil.example", "*.books.example", False),
        (b"whatever", "*", True),
        (b"bookapp:8000", "bookapp,backend", True),
        (b"localhost", "books.example", True),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
def test_only_names_that_are_ours_are_answered(method, host, names, taken):
    inside = Inside()
    status, sent, _ = ask(Front(inside, hosts=host_names("HOSTS", names)), method, JSON, host=host)
    assert status == (200 if taken else 400)
    assert bool(inside.methods) is taken
    if not taken:
        assert json.loads(sent[1]["body"])["status"] == 400


@pytest.mark.parametrize(
    ("host", "arrived_at", "taken"),
    [
        (b"192.0.2.7:8000", "::ffff:192.0.2.7", True),  # by a socket of both versions
        (b"192.0.2.8:8000", "::ffff:192.0.2.7", False),
        (b"[2001:DB8:0:0::7]:8000", "2001:db8::7", True),
        (b"[2001:db8::8]:8000", "2001:db8::7", False),
        (b"[fe80::7]:8000", "fe80::7%eth0", True),
        (b"books.example", "/run/bookapp.sock", False),
        (b"localhost", "/run/bookapp.sock", True),
        (b"10.0.0.1", None, False),
    ],
)
def test_the_address_at_which_a_request_arrived_is_ours_however_it_is_written(
    host, arrived_at, taken
):
    status, _, _ = ask(Front(Inside()), host=host, arrived_at=arrived_at)
    assert status == (200 if taken else 400)


def test_http_1_0_may_come_without_a_host():
    assert ask(Front(Inside()), host=None, version="1.0")[0] == 200
    assert ask(Front(Inside()), host=b"evil.example", version="1.0")[0] == 400


@pytest.mark.parametrize(
    "text", ["http://books.example", "a b", "books.example:8000", "a/b", "a,*b"]
)
def test_a_setting_that_names_no_hosts_is_refused(text):
    with pytest.raises(ValueError, match="HOSTS takes names of hosts"):
        host_names("HOSTS", text)


WRITES = ["POST", "PUT", "PATCH", "DELETE", "WEIRD"]
READS = ["GET", "HEAD", "OPTIONS"]

ORIGINS = [
    (b"http://localhost:8000", True),
    (b"HTTP://LOCALHOST:8000", False),  # no browser writes it so
    (b"https://localhost:8000", True),  # behind a proxy that ends TLS
    (b"http://localhost", False),
    (b"http://localhost:3000", False),
    (b"http://127.0.0.1:8000", False),
    (b"http://evil.example", False),
    (b"http://localhost:8000.evil.example", False),
    (b"http://evil.example#localhost:8000", False),
    (b"null", False),
    (b"", False),
    (b"file://", False),
    (b"chrome-extension://localhost:8000", False),
    (b"http://localhost.:8000", True),
    (b"http://localhost:08000", True),
    (b"http://[::1]:8000", False),
    (b"http://me@localhost:8000", False),
    (b"http://localhost:8000/", False),
    (b"http://localhost:8000 http://evil.example", False),
    (b"ws://localhost:8000", False),
    (b"NULL", False),
    (b"https://BOOKS.example.", True),
    (b"https://books.example.evil.example", False),
    (b"https://books.example", True),  # named
    (b"https://books.example:8443", True),
]


@pytest.mark.parametrize(("origin", "own"), ORIGINS)
@pytest.mark.parametrize("method", WRITES + READS)
def test_pages_of_other_origins_read_what_the_browser_lets_them_and_write_nothing(
    method, origin, own
):
    front = Front(Inside(), hosts={"books.example"})
    status, _, _ = ask(front, method, JSON, (b"origin", origin))
    assert status == (200 if own or method in READS else 403)


@pytest.mark.parametrize(
    ("host", "origin", "own"),
    [
        (b"[::1]:8000", b"http://[::1]:8000", True),
        (b"[0:0::1]:8000", b"http://[::1]:8000", True),
        (b"[::1]:8000", b"http://[::1]:8001", False),
        (b"[::1]:8000", b"http://localhost:8000", False),
        (b"[::1]", b"http://[::1]", True),
        (b"[::1]:443", b"https://[::1]", True),
        (b"[::1]:80", b"https://[::1]", False),
        (b"127.0.0.1:8000", b"http://[::ffff:127.0.0.1]:8000", True),
        (b"192.0.2.7:8000", b"http://192.0.2.7:8000", True),
        (b"192.0.2.7:8000", b"http://192.0.2.8:8000", False),
        (b"LOCALHOST:8000", b"http://localhost:8000", True),
    ],
)
def test_an_origin_is_the_host_s_however_that_is_written(host, origin, own):
    status, _, _ = ask(Front(Inside()), "POST", JSON, (b"origin", origin), host=host)
    assert status == (200 if own else 403)


@pytest.mark.parametrize("others", [[b"none", b"cross-site"], [b"same-site", b"same-origin"]])
@pytest.mark.parametrize("order", [1, -1])
def test_of_two_sites_the_worse_counts(others, order):
    headers = [(b"sec-fetch-site", site) for site in others][::order]
    assert ask(Front(Inside()), "POST", JSON, *headers)[0] == 403


def test_default_ports_are_the_same_origin():
    front = Front(Inside())
    assert (
        ask(front, "POST", JSON, (b"origin", b"http://localhost"), host=b"localhost:80")[0] == 200
    )
    assert (
        ask(front, "POST", JSON, (b"origin", b"http://localhost:80"), host=b"localhost")[0] == 200
    )
    assert ask(front, "POST", JSON, (b"origin", b"https://localhost"), host=b"localhost")[0] == 200


@pytest.mark.parametrize("method", WRITES + READS)
@pytest.mark.parametrize(
    "site", [b"cross-site", b"Cross-Site", b"same-site", b"Same-Site", b"same-origin", b"none"]
)
def test_what_the_browser_calls_another_site_is_refused_on_writes(method, site):
    status, _, _ = ask(Front(Inside()), method, JSON, (b"sec-fetch-site", site))
    foreign = site.lower() in (b"cross-site", b"same-site")
    assert status == (403 if foreign and method in WRITES else 200)


@pytest.mark.parametrize(
    ("site", "origin", "status"),
    [
        (b"same-site", b"https://admin.books.example", 200),  # named, and the browser agrees
        (b"same-site", b"https://other.example", 403),
        (b"cross-site", b"https://admin.books.example", 403),  # one of the two lies
        (b"same-origin", b"https://other.example", 403),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_origin_and_site_have_to_agree(site, origin, status, order):
    front = Front(Inside(), hosts={"admin.books.example"})
    headers = [(b"sec-fetch-site", site), (b"origin", origin)][::order]
    assert ask(front, "POST", JSON, *headers)[0] == status


TYPES = [
    ([b"application/json"], True),
    ([b"Application/JSON; charset=utf-8"], True),
    ([b'application/json;charset="UTF-8"'], True),
    ([b"application/merge-patch+json"], True),
    ([b"application/json; charset=latin-1"], False),
    ([b"text/plain"], False),
    ([b"text/plain; application/json"], False),
    ([b"text/json"], False),
    ([b"application/x-www-form-urlencoded"], False),
    ([b"multipart/form-data; boundary=x"], False),
    ([b"application/jsonp"], False),
    ([b"application/json, text/plain"], False),
    ([b"application/json", b"text/plain"], False),
    ([b"application/json", b"application/json"], False),
    ([b""], False),
    ([], False),
]


@pytest.mark.parametrize(("types", "taken"), TYPES)
@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    "body",
    [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")],
    ids=["length", "chunks"],
)
def test_a_body_is_json_or_not_taken(method, types, body, taken):
    lines = [(b"content-type", value) for value in types]
    status, _, _ = ask(Front(Inside()), method, body, *lines)
    assert status == (200 if taken else 415)


def test_no_body_needs_no_type_and_may_have_any():
    assert ask(Front(Inside()), "DELETE")[0] == 200
    assert ask(Front(Inside()), "POST", (b"content-length", b"0"))[0] == 200
    assert ask(Front(Inside()), "POST", (b"content-type", b"text/plain"))[0] == 200


@pytest.mark.parametrize(("encoding", "taken"), [(b"gzip", False), (b"identity", True)])
def test_an_encoded_body_is_not_taken(encoding, taken):
    encoded = (b"content-encoding", encoding)
    assert ask(Front(Inside()), "POST", JSON, encoded)[0] == (200 if taken else 415)
    assert ask(Front(Inside(), encodings=["gzip"]), "POST", JSON, encoded)[0] == 200


def test_other_media_types_may_be_named():
    front = Front(Inside(), media_types=["application/x-protobuf"])
    for media_type, status in [(b"application/x-protobuf", 200), (b"application/json", 415)]:
        typed = (b"content-type", media_type)
        assert ask(front, "POST", typed, (b"content-length", b"2"))[0] == status


def test_head_is_get_without_the_body():
    inside = Inside()
    status, sent, scope = ask(Front(inside), "HEAD")
    assert (status, inside.methods) == (200, ["GET"])
    assert dict(sent[0]["headers"])[b"content-length"] == b"4"
    assert b"".join(message.get("body", b"") for message in sent) == b""
    # The server, and whoever is around, sees HEAD, and what the router wrote.
    assert {message["method"] for message in sent} == {"HEAD"}
    assert (scope["method"], scope["path_template"]) == ("HEAD", "/t")


@pytest.mark.parametrize(
    ("method", "status", "allowed", "named"),
    [
        ("POST", 405, b"GET", b"GET, HEAD"),
        ("PUT", 405, b"PATCH, GET,DELETE", b"DELETE, GET, HEAD, PATCH"),
        ("GET", 405, b"POST, OPTIONS", b"POST, OPTIONS"),
        ("HEAD", 405, b"POST, OPTIONS", b"POST, OPTIONS"),
        ("DELETE", 405, b"OPTIONS, POST", b"OPTIONS, POST"),
        ("OPTIONS", 204, b"GET, OPTIONS", b"GET, HEAD, OPTIONS"),
        ("OPTIONS", 200, b"GET, HEAD", b"GET, HEAD"),
        ("POST", 201, b"GET", b"GET"),  # said of something else
    ],
)
def test_where_get_is_allowed_head_is(method, status, allowed, named):
    async def inside(scope, receive, send):
        headers = [(b"Allow", allowed), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    _, sent, _ = ask(Front(inside), method)
    assert sent[0]["headers"] == [(b"Allow", named), (b"content-length", b"0")]


def test_what_is_not_http_passes():
    seen = []

    async def inside(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(Front(inside)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
