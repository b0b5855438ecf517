"""What OpenAPI says of a rule's body beyond its single fields: an endpoint or a topic, not both,
and nothing else."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from litestar.openapi.spec import OpenAPIType, Operation, RequestBody, Schema

from error_injection.rule import PROTECTED, RuleBody

_STRING: Final = Schema(type=OpenAPIType.STRING)
_NULL: Final = Schema(type=OpenAPIType.NULL)
_UNPROTECTED: Final = Schema(type=OpenAPIType.STRING, pattern=rf"^(?!({'|'.join(PROTECTED)})(/|$))")


def rule_operation(topics: Collection[str]) -> type[Operation]:
    """The ``operation_class`` of a route that takes a rule. ``topics``: as for ``rule.check``."""
    targets = [
        Schema(
            title="an endpoint",
            required=["endpoint_pattern", "http_method"],
            properties={"endpoint_pattern": _UNPROTECTED, "http_method": _STRING, "topic": _NULL},
        )
    ]
    if topics:
        name = Schema(type=OpenAPIType.STRING, enum=sorted(topics))
        targets.append(
            Schema(
                title="a topic",
                required=["topic"],
                properties={"topic": name, "endpoint_pattern": _NULL, "http_method": _NULL},
            )
        )

    @dataclass
    class RuleOperation(Operation):
        def __post_init__(self) -> None:
            # Litestar has derived what the fields are.
            if isinstance(self.request_body, RequestBody):
                for media in self.request_body.content.values():
                    fields = media.schema
                    assert fields is not None
                    media.schema = Schema(
                        all_of=[fields, Schema(one_of=targets)],
                        properties={name: Schema() for name in RuleBody.__struct_fields__},
                        additional_properties=False,
                    )

    return RuleOperation
