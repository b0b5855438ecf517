"""The AsyncAPI document: as checked in, well-formed, and true of the records."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from contracts.asyncapi import asyncapi_document, asyncapi_route
from contracts.topics import BOOK_INGESTION, BOOK_INGESTION_DLQ

CHECKED_IN = Path(__file__).parents[3] / "docs" / "asyncapi.json"

DOCUMENT: dict[str, Any] = msgspec.json.decode(asyncapi_document())


class Strict(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Part of an AsyncAPI 3.0.0 document: what the specification knows there, of what we use."""


class Info(Strict):
    title: str
    version: str
    description: str = ""


class Reference(Strict):
    ref: str = msgspec.field(name="$ref")


class MessageKafka(Strict):
    key: dict[str, Any]


class MessageBindings(Strict):
    kafka: MessageKafka


class Message(Strict):
    name: str
    summary: str
    bindings: MessageBindings
    headers: dict[str, Any] = {}
    payload: Reference | None = None
    contentType: str = "application/json"


class ChannelKafka(Strict):
    topic: str
    partitions: int
    topicConfiguration: dict[str, Any]


class ChannelBindings(Strict):
    kafka: ChannelKafka


class Channel(Strict):
    address: str
    messages: dict[str, dict[str, Any]]
    bindings: ChannelBindings


class Operation(Strict):
    action: str
    channel: Reference


class Components(Strict):
    messages: dict[str, Message]
    schemas: dict[str, dict[str, Any]]


class AsyncApi(Strict):
    asyncapi: str
    info: Info
    defaultContentType: str
    channels: dict[str, Channel]
    operations: dict[str, Operation]
    components: Components


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_the_checked_in_document_is_up_to_date() -> None:
    """``make asyncapi`` brings it up to date."""
    assert CHECKED_IN.read_bytes() == asyncapi_document()


def test_it_has_what_asyncapi_3_knows_and_nothing_else() -> None:
    document = msgspec.convert(DOCUMENT, AsyncApi)
    assert document.asyncapi == "3.0.0"
    assert {operation.action for operation in document.operations.values()} == {"send", "receive"}
    for channel in document.channels.values():
        for message in channel.messages.values():
            msgspec.convert(message, Reference if "$ref" in message else Message)


def test_a_document_with_an_unknown_part_would_be_noticed() -> None:
    with pytest.raises(msgspec.ValidationError, match="topics"):
        msgspec.convert({**DOCUMENT, "topics": {}}, AsyncApi)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert "#/components/schemas/Book" in found
    for reference in found:
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_channels_are_the_topics_with_their_settings() -> None:
    for topic in (BOOK_INGESTION, BOOK_INGESTION_DLQ):
        kafka = DOCUMENT["channels"][topic.name]["bindings"]["kafka"]
        assert (kafka["topic"], kafka["partitions"]) == (topic.name, topic.partitions)
    kafka = DOCUMENT["channels"]["book_ingestion"]["bindings"]["kafka"]
    assert kafka["topicConfiguration"] == {
        "cleanup.policy": ["compact"],
        "min.compaction.lag.ms": 604_800_000,
    }


def test_the_three_records_are_told_apart_by_their_type() -> None:
    messages = DOCUMENT["channels"]["book_ingestion"]["messages"]
    tags = [
        DOCUMENT["components"]["schemas"][name]["properties"]["type"]["enum"] for name in messages
    ]
    assert tags == [["added"], ["updated"], ["removed"]]


async def test_a_service_serves_it_beside_its_openapi_document() -> None:
    app = Litestar([asyncapi_route()])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/schema/asyncapi.json")
    assert response.content == asyncapi_document()
    assert response.headers["content-type"] == "application/json"
    assert "/schema/asyncapi.json" not in (app.openapi_schema.paths or {})
