"""What is wrong with a value, in words that do not repeat it."""

import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from contracts.reasons import FieldError, field_errors


class Colour(enum.StrEnum):
    red = "red"
    blue = "blue"


class Level(enum.IntEnum):
    low = 1
    high = 2


def choice(kind: Any) -> type[msgspec.Struct]:
    return msgspec.defstruct("Choice", [("which", kind)])


@pytest.mark.parametrize(
    ("kind", "choices"),
    [
        (Colour, "red, blue"),
        (Colour | None, "red, blue"),
        (Colour | msgspec.UnsetType, "red, blue"),
        (Annotated[Colour, Meta(description="any")], "red, blue"),
        (Literal["GET", "POST"], "GET, POST"),
        (Annotated[Literal["GET", "POST"], Meta(description="any")] | None, "GET, POST"),
        (Level, "1, 2"),
    ],
)
@pytest.mark.parametrize("value", ["s3cret", 4711, ["s3cret"]])
def test_of_a_few_values_all_are_named_and_not_the_one_that_came(kind, choices, value) -> None:
    found = list(field_errors({"which": value}, choice(kind)))
    assert found == [FieldError("which", f"must be one of {choices}")]


@pytest.mark.parametrize("value", ["red", "blue"])
def test_one_of_them_is_right(value: str) -> None:
    assert list(field_errors({"which": value}, choice(Colour))) == []
