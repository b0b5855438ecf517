"""The AsyncAPI document is one, as AsyncAPI's own schema sees it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from embedded.native.linters import asyncapi_schema

DOCUMENT = msgspec.json.decode(
    (Path(__file__).parents[2] / "docs" / "asyncapi.json").read_bytes(), type=dict[str, Any]
)


@pytest.fixture(scope="module")
def complaints() -> Callable[[object], list[str]]:
    """A function that gives what the schema has against a document."""
    validator = jsonschema_rs.validator_for(asyncapi_schema(DOCUMENT["asyncapi"]))
    return lambda document: [error.message for error in validator.iter_errors(document)]


def test_the_document_is_valid(complaints: Callable[[object], list[str]]) -> None:
    assert complaints(DOCUMENT) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["asyncapi"], "3"),
        (["channels", "book_ingestion", "messages", "BookAdded"], {"title": 1}),
        (["channels", "book_ingestion", "bindings", "kafka", "partitions"], "four"),
        (["operations", "send_book_ingestion", "action"], "publish"),
        (["topics"], {}),
    ],
)
def test_what_is_not_asyncapi_would_be_noticed(
    complaints: Callable[[object], list[str]], place: list[str], value: object
) -> None:
    changed = copy.deepcopy(DOCUMENT)
    parent = changed
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    assert complaints(changed)
