"""The OpenAPI document: complete, and true of what it describes elsewhere."""

import attrs
import msgspec
import pytest

from bookapp.api import create_api
from bookapp.books.controller import Library
from bookapp.books.documents import Details
from contracts.backend_client.models import CatalogueEntry


@pytest.fixture(scope="module")
def operations() -> dict[str, dict]:
    """The documented operations by id."""
    api = create_api(Library(None, None), None, database_away=lambda _: False)
    paths = api.openapi_schema.to_schema()["paths"]
    return {op["operationId"]: op for methods in paths.values() for op in methods.values()}


def test_every_route_has_its_own_id(operations):
    assert set(operations) == {
        *("list_books", "get_book", "change_book", "remove_book", "add_book", "add_books"),
        *("health", "health_live", "health_ready"),
    }


def test_every_refusal_is_documented_as_a_problem(operations):
    for operation in operations.values():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
    for name in ("add_book", "add_books"):
        assert set(operations[name]["responses"]) == {
            *("201", "400", "408", "409", "413", "500", "503")
        }
    for name in ("get_book", "change_book", "remove_book"):
        assert {"400", "404", "500", "503"} < set(operations[name]["responses"])


def test_bodies_and_parameters_are_documented(operations):
    for name in ("add_book", "add_books", "change_book"):
        assert operations[name]["requestBody"]["required"]
    assert [p["name"] for p in operations["list_books"]["parameters"]] == ["limit", "after"]
    assert [p["name"] for p in operations["add_book"]["parameters"]] == ["Idempotency-Key"]


def test_details_are_what_backend_answers():
    ours = {field.name for field in msgspec.structs.fields(Details)}
    theirs = {field.name for field in attrs.fields(CatalogueEntry)} - {"additional_properties"}
    assert ours == theirs
