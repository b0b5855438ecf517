"""Every "no" has one shape, says which field or why, and tells nothing of the inside."""

import json
import logging
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from contracts.problems import (
    MEDIA_TYPE,
    RETRY_AFTER_S,
    FieldError,
    Problems,
    documented,
    invalid,
)
from contracts.reasons import field_error


class Away(ConnectionError):
    """A database that is away."""


class Body(msgspec.Struct):
    title: Annotated[str, msgspec.Meta(max_length=3)]
    copies: int = 1


@get("/things/{thing_id:int}", responses=documented(404, 503))
async def get_thing(thing_id: FromPath[int]) -> int:
    if thing_id == 404:
        raise NotFoundException("there is no thing 404")
    if thing_id == 503:
        raise Away("host db-17 refused s3cret")
    if thing_id == 500:
        raise RuntimeError("s3cret")
    return thing_id


@post("/things", request_max_body_size=1_000, responses=documented(400, 413))
async def add_thing(data: JSONBody[Body]) -> None:
    raise invalid([FieldError("title", "is taken"), FieldError("copies", "\ud800")])


@pytest.fixture
async def client() -> Any:
    app = Litestar(
        [get_thing, add_thing],
        plugins=[
            Problems(lambda error: "It is away; try again." if isinstance(error, Away) else None)
        ],
        logging_config=None,
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == MEDIA_TYPE
    said: dict[str, Any] = response.json()
    assert said["status"] == response.status_code
    assert said["title"]
    assert said["detail"]
    assert "s3cret" not in response.text
    return said


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/things/x", 404),
        ("GET", "/things/404", 404),
        ("PUT", "/things", 405),
    ],
)
async def test_what_is_not_there_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert problem(response)["status"] == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"title": 3}', "title"),
        (b'{"title": "long"}', "title"),
        (b'{"title": "x", "copies": []}', "copies"),
        (b"{}", "title"),
        (b"[]", "body"),
        (b"", "body"),
    ],
)
async def test_a_wrong_field_is_named(client: httpx.AsyncClient, body: bytes, field: str) -> None:
    said = problem(await client.post("/things", content=body))
    assert said["status"] == 400
    assert field in json.dumps(said["errors"]) + said["detail"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"nonsense", b'{"title":"x\x00"}'])
async def test_broken_json_is_a_bad_request_that_says_so(
    client: httpx.AsyncClient, body: bytes
) -> None:
    assert problem(await client.post("/things", content=body))["status"] == 400


async def test_a_body_that_is_nested_too_deeply_is_a_bad_request() -> None:
    @post("/")
    async def anything(data: JSONBody[list[Any]]) -> None: ...

    app = Litestar([anything], plugins=[Problems(lambda _: None)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert problem(await client.post("/", content=b"[" * 50_000))["status"] == 400


async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    assert problem(await client.post("/things", content=b" " * 1_001))["status"] == 413


async def test_several_fields_are_named_each_also_when_they_hold_no_text(
    client: httpx.AsyncClient,
) -> None:
    said = problem(await client.post("/things", content=b'{"title":"x"}'))
    assert said["errors"] == [
        {"field": "title", "reason": "is taken"},
        {"field": "copies", "reason": "?"},
    ]


async def test_a_database_that_is_away_is_no_fault_of_the_caller_and_passes(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/things/503")
    said = problem(response)
    assert (said["status"], said["detail"]) == (503, "It is away; try again.")
    assert response.headers["retry-after"] == str(RETRY_AFTER_S)


async def test_a_failure_of_ours_is_logged_once_with_its_stack_and_not_told(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert problem(await client.get("/things/500"))["status"] == 500
    (logged,) = [record for record in caplog.records if record.exc_info]
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], RuntimeError)


def test_msgspecs_reason_is_parted_into_field_and_reason() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b'{"title":1}', type=Body)
    assert field_error(caught.value) == FieldError("title", "Expected `str`, got `int`")
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b"1", type=Body)
    assert field_error(caught.value) == FieldError("body", "Expected `object`, got `int`")


def test_the_problems_of_a_route_stand_in_its_document() -> None:
    app = Litestar([get_thing])
    answers = app.openapi_schema.to_schema()["paths"]["/things/{thing_id}"]["get"]["responses"]
    for status in ("404", "503"):
        assert list(answers[status]["content"]) == [MEDIA_TYPE]
