"""What the plugin gives an API: problems, digits, JSON as it comes, both documents."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from contracts.conventions import Conventions, described, openapi_of


class Named(msgspec.Struct):
    """A body."""

    name: str


@get("/things/{thing_id:int}", sync_to_thread=False)
def one(thing_id: FromPath[int]) -> int:
    """One of them."""
    return thing_id


@get("/things", sync_to_thread=False)
def some(limit: FromQuery[int] = 5, name: FromQuery[str] = "") -> int:
    return limit


@get("/broken", sync_to_thread=False)
def broken() -> None:
    raise ConnectionError("db.internal:5432 is away")


@post("/named", sync_to_thread=False)
def named(data: JSONBody[Named]) -> str:
    return data.name


@pytest.fixture
def recorded() -> list[BaseException]:
    return []


@pytest.fixture
def api(recorded: list[BaseException]) -> Litestar:
    def unavailable(error: BaseException) -> str | None:
        return "Try again." if isinstance(error, ConnectionError) else None

    return Litestar(
        [one, some, broken, named],
        plugins=[Conventions(unavailable, recorded.append)],
        openapi_config=described("things", "All things."),
    )


@pytest.fixture
async def client(api: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://things") as client:
        yield client


@pytest.mark.parametrize("number", ["0", "7", "-3", "9223372036854775808"])
async def test_a_number_in_digits_is_a_number(client: httpx.AsyncClient, number: str) -> None:
    for address in (f"/things/{number}", f"/things?limit={number}&name=1e2"):
        response = await client.get(address)
        assert (response.status_code, response.json()) == (200, int(number))


@pytest.mark.parametrize("number", ["1_0", "%201", "1%20", "+1", "%D9%A1", "--1", "%F0%9D%9F%8F"])
async def test_a_path_that_python_would_read_is_not_found(
    client: httpx.AsyncClient, number: str
) -> None:
    response = await client.get(f"/things/{number}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("number", ["1_0", "1e2", "1.0", "%201", "+1", "", "0x1", "%D9%A1"])
async def test_a_parameter_that_is_not_in_digits_is_named(
    client: httpx.AsyncClient, number: str
) -> None:
    response = await client.get(f"/things?limit={number}")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["limit"]


async def test_every_exception_is_recorded_and_what_passes_is_a_503(
    client: httpx.AsyncClient, recorded: list[BaseException]
) -> None:
    response = await client.get("/broken")
    assert (response.status_code, response.json()["detail"]) == (503, "Try again.")
    assert [str(error) for error in recorded] == ["db.internal:5432 is away"]


async def test_a_number_that_no_float_holds_may_stand_where_nobody_looks(
    client: httpx.AsyncClient,
) -> None:
    body = b'{"name": "Emma", "more": 1e999}'
    response = await client.post("/named", content=body, headers={"content-type": "text/json"})
    assert (response.status_code, response.text) == (201, "Emma")


async def test_both_documents_are_served(client: httpx.AsyncClient, api: Litestar) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    assert msgspec.json.decode(openapi_of(api)) == document
    assert document["info"]["title"] == "things"
    assert document["paths"]["/things/{thing_id}"]["get"]["description"] == "One of them."
    assert (await client.get("/schema/asyncapi.json")).json()["asyncapi"] == "3.0.0"
