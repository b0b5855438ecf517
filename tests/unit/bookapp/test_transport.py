"""The transport to backend: what an httpx client sees of it, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from bookapp.transport import KeptConnections

Reply = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """Answers each request as ``reply`` says; notes requests and counts connections."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.reply: Reply = say(OK)
        self.writers: list[asyncio.StreamWriter] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        head += await reader.readexactly(int(line.split(b":")[1]))
                self.requests.append(head)
                await self.reply(head, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def say(*parts: bytes, close: bool = False) -> Reply:
    async def reply(_: bytes, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if close:
            writer.close()

    return reply


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield server
    listening.close()
    for writer in server.writers:
        writer.close()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    transport = KeptConnections(server.url)
    async with httpx.AsyncClient(base_url=server.url, transport=transport, timeout=0.3) as client:
        yield client


async def test_a_request_goes_out_whole_and_its_answer_comes_back(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.reply = say(b"HTTP/1.1 404 Not Found\r\nx-a: 1\r\nContent-Length: 4\r\n\r\ngone")
    response = await client.post("/books?ids=1,2", content=b"body", headers={"x-b": "2"})
    assert (response.status_code, response.headers["x-a"], response.text) == (404, "1", "gone")
    (request,) = server.requests
    assert request.startswith(b"POST /books?ids=1,2 HTTP/1.1\r\n")
    assert b"\r\nx-b: 2\r\n" in request
    assert request.endswith(b"\r\n\r\nbody")


async def test_requests_in_turn_share_a_connection(
    server: Server, client: httpx.AsyncClient
) -> None:
    for _ in range(3):
        assert (await client.get("/")).text == "ok"
    assert server.connections == 1


async def test_requests_at_a_time_have_a_connection_each(
    server: Server, client: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(*(client.get(f"/{n}") for n in range(5)))
    assert [answer.text for answer in answers] == ["ok"] * 5
    assert server.connections == 5


@pytest.mark.parametrize(
    "parts",
    [
        [
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        ],
        [b"HTTP/1.1 200 OK\r\ncontent", b"-length: 2\r\n\r\no", b"k"],
        [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", OK],
    ],
    ids=["chunked", "in pieces", "behind a hint"],
)
async def test_an_answer_may_come_in_any_form(
    server: Server, client: httpx.AsyncClient, parts: list[bytes]
) -> None:
    server.reply = say(*parts)
    for _ in range(2):
        response = await client.get("/")
        assert (response.text, "link" in response.headers) == ("ok", False)
    assert server.connections == 1


async def test_a_connection_that_is_not_to_be_kept_is_not_used_again(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.reply = say(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
    for _ in range(2):
        assert (await client.get("/")).text == "ok"
    assert server.connections == 2


async def test_an_answer_may_end_with_its_connection(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.reply = say(b"HTTP/1.0 200 OK\r\n\r\n", b"ok", close=True)
    for _ in range(2):
        assert (await client.get("/")).text == "ok"


async def test_a_kept_connection_that_was_closed_meanwhile_costs_no_error(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.reply = say(OK, close=True)  # without saying that it will be
    for _ in range(3):
        assert (await client.get("/")).text == "ok"


async def test_what_may_have_been_done_is_not_sent_again(
    server: Server, client: httpx.AsyncClient
) -> None:
    await client.get("/")
    server.reply = say(close=True)
    with pytest.raises(httpx.ReadError):
        await client.post("/")
    assert len(server.requests) == 2


async def test_an_answer_that_breaks_off_is_an_error(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.reply = say(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart", close=True)
    with pytest.raises(httpx.ReadError):
        await client.get("/")


async def test_what_is_no_http_is_an_error(server: Server, client: httpx.AsyncClient) -> None:
    server.reply = say(b"SSH-2.0-OpenSSH\r\n")
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/")


async def test_a_late_answer_is_nobodys(server: Server, client: httpx.AsyncClient) -> None:
    go_on = asyncio.Event()

    async def late(_: bytes, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(OK.replace(b"ok", b"no"))

    server.reply = late
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/")
    server.reply = say(OK)
    go_on.set()
    assert (await client.get("/")).text == "ok"
    assert server.connections == 2


async def test_bytes_that_nobody_asked_for_end_a_kept_connection(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.reply = say(OK + OK.replace(b"\r\n\r\nok", b"\r\nx-a: 1\r\n\r\nno"))
    response = await client.get("/")
    assert (response.text, "x-a" in response.headers) == ("ok", False)
    server.reply = say(OK)
    assert (await client.get("/")).text == "ok"
    assert server.connections == 2


async def test_nobody_who_listens_is_a_connect_error(server: Server) -> None:
    transport = KeptConnections("http://127.0.0.1:9")
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:9/")


async def test_a_header_cannot_bring_another_in(server: Server, client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        await client.get("/", headers={"x": "1\r\nx-evil: 2"})
    assert server.requests == []


async def test_a_target_goes_out_as_it_is(server: Server, client: httpx.AsyncClient) -> None:
    await client.get("/", extensions={"target": b"/books?ids=1,2"})
    assert server.requests[0].startswith(b"GET /books?ids=1,2 HTTP/1.1\r\n")
    with pytest.raises(httpx.LocalProtocolError):
        await client.get("/", extensions={"target": b"/ HTTP/1.1\r\nx-evil: 2"})
    assert len(server.requests) == 1
