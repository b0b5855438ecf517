import msgspec

from ..models.field_error import FieldError
from ..types import UNSET, Unset
from typing import cast


class Problem(msgspec.Struct, kw_only=True):
    """Problem."""

    title: str
    status: int
    detail: str
    type_: str | Unset = msgspec.field(name="type", default=UNSET)
    errors: list[FieldError] | Unset = UNSET
