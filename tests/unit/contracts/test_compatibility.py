"""The records of today against those that were recorded: they may gain fields, and no more."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contracts.compatibility import current_schemas, incompatibilities, recorded_schemas

Schemas = dict[str, dict[str, Any]]


def test_todays_records_can_follow_the_recorded_ones() -> None:
    assert incompatibilities(recorded_schemas(), current_schemas()) == []


def test_the_recorded_schemas_are_those_of_today() -> None:
    """Otherwise a field added since could be changed unnoticed: record it."""
    assert recorded_schemas() == current_schemas()


def remove_a_field(schemas: Schemas) -> None:
    book = schemas["BookAdded"]["$defs"]["Book"]
    del book["properties"]["title"]
    book["required"].remove("title")


def change_a_type(schemas: Schemas) -> None:
    schemas["BookUpdated"]["$defs"]["Book"]["properties"]["id"]["type"] = "string"


def narrow_a_limit(schemas: Schemas) -> None:
    schemas["BookUpdated"]["$defs"]["Book"]["properties"]["title"]["maxLength"] = 10


def add_a_required_field(schemas: Schemas) -> None:
    added = schemas["BookRemoved"]["$defs"]["BookRemoved"]
    added["properties"]["reason"] = {"type": "string"}
    added["required"].append("reason")


def make_a_field_optional(schemas: Schemas) -> None:
    schemas["BookRemoved"]["$defs"]["BookRemoved"]["required"].remove("sequence")


def rename_a_tag(schemas: Schemas) -> None:
    schemas["BookAdded"]["$defs"]["BookAdded"]["properties"]["type"]["enum"] = ["created"]


def remove_a_status(schemas: Schemas) -> None:
    schemas["BookAdded"]["$defs"]["BookStatus"]["enum"].remove("lost")


def remove_a_record(schemas: Schemas) -> None:
    del schemas["BookRemoved"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (remove_a_field, "BookAdded.book.title: the field is gone"),
        (change_a_type, "BookUpdated.book.id: was"),
        (narrow_a_limit, "BookUpdated.book.title: was"),
        (add_a_required_field, "BookRemoved.reason: required"),
        (make_a_field_optional, "BookRemoved.sequence: no longer required"),
        (rename_a_tag, "BookAdded.type: was"),
        (remove_a_status, "BookAdded.book.status: was"),
        (remove_a_record, "BookRemoved: the record is gone"),
    ],
)
def test_a_change_that_breaks_a_reader_is_named(
    change: Callable[[Schemas], None], named: str
) -> None:
    changed = copy.deepcopy(current_schemas())
    change(changed)
    (found,) = incompatibilities(recorded_schemas(), changed)
    assert found.startswith(named)


def test_an_optional_field_may_be_added_and_prose_may_change() -> None:
    changed = copy.deepcopy(current_schemas())
    book = changed["BookAdded"]["$defs"]["Book"]
    book["properties"]["isbn"] = {"type": "string", "default": ""}
    book["description"] = "Said better."
    assert incompatibilities(recorded_schemas(), changed) == []
