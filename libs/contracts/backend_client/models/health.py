import msgspec

from ..models.field_error import FieldError
from ..types import UNSET, Unset
from typing import cast


class Health(msgspec.Struct, kw_only=True):
    """Health."""

    status: str
    degraded: list[FieldError] | Unset = UNSET
