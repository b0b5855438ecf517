"""The API's OpenAPI document: ``python -m bookapp.document`` prints it."""

import sys
from typing import Any

from bookapp.api import create_api
from bookapp.injection import admin_routes
from contracts.conventions import Conventions, openapi_of


def openapi_document() -> bytes:
    """The document as indented JSON, made without a database, a broker or a backend."""
    nothing: Any = None  # what the routes would work with, had they a request
    return openapi_of(
        create_api(nothing, nothing, nothing, Conventions(), routes=[admin_routes(None)])
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(openapi_document())
