"""The API's OpenAPI document: ``python -m backend.api.document`` prints it."""

import sys

import msgspec

from backend.api.app import create_api
from backend.api.store import CatalogueStore
from backend.injection import admin_routes
from contracts.problems import FieldError


def openapi_document() -> bytes:
    """The document as indented JSON, made without a database or a broker."""

    async def ready() -> list[FieldError]:
        return []

    api = create_api(
        CatalogueStore(), ready, unavailable=lambda _: None, admin_routes=[admin_routes(None)]
    )
    document = msgspec.json.encode(api.openapi_schema.to_schema())
    return msgspec.json.format(document, indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(openapi_document())
