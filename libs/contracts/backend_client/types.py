"""The types that all of the client uses."""

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET
from msgspec import UnsetType as Unset

T = TypeVar("T")


class Response(msgspec.Struct, Generic[T]):
    """A response from an endpoint."""

    status_code: HTTPStatus
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T | None


__all__ = ["UNSET", "Response", "Unset"]
