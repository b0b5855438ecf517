"""The AsyncAPI 3 document of the topics, generated from the records and the topics.

``python -m contracts.asyncapi`` prints it; ``docs/asyncapi.json`` is what it printed; both services
serve it beside their OpenAPI document (``asyncapi_route``).
"""

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, get_args

import msgspec
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from contracts.topics import TOPICS
from delivery.topics import TopicDescription

VERSION: Final = "1.0.0"
"""Of the contract: its minor number grows when records gain fields."""

_SCHEMA_REF: Final = "#/components/schemas/{name}"

# The trace context as it stands in a record's headers (W3C Trace Context, Level 1).
_TRACE_HEADERS: Final = {
    "type": "object",
    "properties": {
        "traceparent": {
            "type": "string",
            "description": "The span that sent the record; readers link to it.",
        },
        "tracestate": {"type": "string"},
    },
}


@cache
def asyncapi_document() -> bytes:
    """The document as indented JSON. The same records and topics give the same bytes."""
    records = [kind for topic in TOPICS for kind in record_kinds(topic)]
    _, schemas = msgspec.json.schema_components(records, ref_template=_SCHEMA_REF)
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Events of the book service",
            "version": VERSION,
            "description": (
                "Records are delivered at least once, in order for each key. Of two records of one"
                " book the one with the higher sequence is the newer. Fields may be added: ignore"
                " those that you do not know."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operations()),
        "components": {
            "messages": {kind.__name__: _message(kind, topic) for topic, kind in _record_topics()},
            "schemas": schemas,
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def asyncapi_route() -> HTTPRouteHandler:
    """GET /schema/asyncapi.json, for a service to mount. Not part of its OpenAPI document."""

    @get("/schema/asyncapi.json", media_type=MediaType.JSON, include_in_schema=False)
    async def asyncapi() -> Response[bytes]:
        return Response(asyncapi_document())

    return asyncapi


def record_kinds(topic: TopicDescription[Any]) -> tuple[type[msgspec.Struct], ...]:
    """The Structs of a topic's records; none where the bytes are somebody else's."""
    return get_args(topic.record_type)


def _record_topics() -> Iterator[tuple[TopicDescription[Any], type[msgspec.Struct]]]:
    return ((topic, kind) for topic in TOPICS for kind in record_kinds(topic))


def _channel(topic: TopicDescription[Any]) -> dict[str, Any]:
    messages: dict[str, Any] = {
        kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"}
        for kind in record_kinds(topic)
    }
    if not messages:
        messages["DeadLetter"] = {
            "name": "DeadLetter",
            "summary": "A record's exact bytes, as they came; its origin and error in the headers.",
            "contentType": "application/octet-stream",
            "bindings": {"kafka": {"key": {"type": "string", "description": topic.key_is}}},
        }
    return {
        "address": topic.name,
        "messages": messages,
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {k: _setting(k, v) for k, v in topic.config.items()},
            }
        },
    }


def _setting(name: str, value: str) -> Any:
    """A setting as the Kafka channel binding has it: the policy a list, numbers as numbers."""
    if name == "cleanup.policy":
        return value.split(",")
    return int(value) if value.lstrip("-").isdecimal() else value


def _message(kind: type[msgspec.Struct], topic: TopicDescription[Any]) -> dict[str, Any]:
    return {
        "name": kind.__name__,
        "summary": (kind.__doc__ or "").strip().splitlines()[0],
        "headers": _TRACE_HEADERS,
        "payload": {"$ref": _SCHEMA_REF.format(name=kind.__name__)},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key_is}}},
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """bookapp sends what backend receives; what backend cannot handle it sends on."""
    for topic in TOPICS:
        channel = {"$ref": f"#/channels/{topic.name}"}
        name = topic.name.replace(".", "_")
        yield f"send_{name}", {"action": "send", "channel": channel}
        if topic.dead_letter is not None:
            yield f"receive_{name}", {"action": "receive", "channel": channel}


if __name__ == "__main__":
    sys.stdout.buffer.write(asyncapi_document())
