"""What any route can be answered with is in the document of each, and said in one place."""

import json
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, get, route

from contracts.conventions import Conventions, described
from contracts.problems import documented

DOCUMENTS = Path(__file__).parents[3] / "docs" / "openapi"
ALL = {"400", "408", "431", "500", "503"}
WRITES = {"403", "413", "415"}


@get("/one", responses=documented(404))
async def read_one() -> None: ...


@route("/two", http_method=["POST", "DELETE"], status_code=200, responses=documented(409, 413))
async def write_two() -> None: ...


def responses(document: Any, method: str, path: str) -> dict[str, Any]:
    return document["paths"][path][method]["responses"]


def test_a_route_has_its_own_and_those_of_all() -> None:
    app = Litestar(
        [read_one, write_two],
        plugins=[Conventions()],
        openapi_config=described("t", "t"),
    )
    document = app.openapi_schema.to_schema()
    assert set(responses(document, "get", "/one")) == {"200", "404", *ALL}
    for method in ("post", "delete"):
        assert set(responses(document, method, "/two")) == {"200", "409", *ALL, *WRITES}


@pytest.mark.parametrize("name", ["bookapp", "backend"])
def test_both_documents_have_them_for_every_operation(name: str) -> None:
    document = json.loads((DOCUMENTS / f"{name}.json").read_bytes())
    methods = {"get", "post", "put", "patch", "delete"}
    for path, operations in document["paths"].items():
        for method in methods & operations.keys():
            answers = responses(document, method, path)
            expected = ALL if method == "get" else ALL | WRITES
            assert expected <= answers.keys(), (method, path)
            problems = {status: answers[status]["content"] for status in answers if status > "400"}
            assert {tuple(kinds) for kinds in problems.values()} == {("application/problem+json",)}
