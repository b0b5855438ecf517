"""The OpenAPI document: complete, and true of what it describes elsewhere."""

from pathlib import Path

import msgspec
import pytest

from bookapp.document import openapi_document
from contracts.refusals import OF_ALL, OF_WRITES

CHECKED_IN = Path(__file__).parents[3] / "docs" / "openapi" / "bookapp.json"


@pytest.fixture(scope="module")
def operations() -> dict[str, dict]:
    """The documented operations by id."""
    paths = msgspec.json.decode(openapi_document())["paths"]
    return {op["operationId"]: op for methods in paths.values() for op in methods.values()}


def test_the_checked_in_document_is_up_to_date():
    """``make openapi`` brings it up to date."""
    assert CHECKED_IN.read_bytes() == openapi_document()


def test_every_route_has_its_own_id(operations):
    assert set(operations) == {
        *("list_books", "get_book", "change_book", "remove_book", "add_book", "add_books"),
        *("health", "health_live", "health_ready"),
        *("list_error_injection_rules", "create_error_injection_rule"),
        *("get_error_injection_rule", "replace_error_injection_rule"),
        "delete_error_injection_rule",
    }


def test_every_refusal_is_documented_as_a_problem(operations):
    for operation in operations.values():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
    own = {
        name: {int(it) for it in op["responses"]} - {*OF_ALL, *OF_WRITES}
        for name, op in operations.items()
    }
    assert own["add_book"] == own["add_books"] == {201, 409}
    assert own["get_book"] == own["change_book"] == {200, 404}
    assert own["remove_book"] == {204, 404}


def test_bodies_and_parameters_are_documented(operations):
    for name in ("add_book", "add_books", "change_book"):
        assert operations[name]["requestBody"]["required"]
    assert {p["name"] for p in operations["list_books"]["parameters"]} == {"limit", "after"}
    assert [p["name"] for p in operations["add_book"]["parameters"]] == ["Idempotency-Key"]
