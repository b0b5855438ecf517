"""The API's OpenAPI document: ``python -m bookapp.document`` prints it."""

import sys
from typing import Any

import msgspec
from litestar import Litestar

from bookapp.api import create_api
from bookapp.tables import ErrorInjectionConfig
from contracts.problems import documented
from error_injection import RuleStore, error_injection_routes


def openapi_document() -> bytes:
    """The document as indented JSON, made without a database, a broker or a backend."""
    document = msgspec.json.encode(_api().openapi_schema.to_schema())
    return msgspec.json.format(document, indent=2) + b"\n"


def _api() -> Litestar:
    nothing: Any = None  # what the routes would work with, had they a request
    rules = error_injection_routes(
        RuleStore(ErrorInjectionConfig), admin_token=None, documented=documented
    )
    return create_api(nothing, nothing, nothing, unavailable=lambda _: None, routes=[rules])


if __name__ == "__main__":
    sys.stdout.buffer.write(openapi_document())
