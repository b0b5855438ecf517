"""What stands around spans and log records in a request: resources and instrumentation scopes.

Source of the format: opentelemetry-proto's resource.proto, common.proto and the outer messages of
trace.proto and logs.proto, which number these fields alike.
"""

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry.otlp.wire import AttributeEncoder, block, text, varint

MAX_OWNERS = 64
"""Resources, and scopes, kept at a time."""

_attributes_of_resource = AttributeEncoder(b"\x0a")
_attributes_of_scope = AttributeEncoder(b"\x1a")


class OwnerEncoder:
    """The parts around a group of spans or log records: who emitted them.

    Kept by identity (with a reference, so that an identity is never reused): equality of
    resources is as dear as encoding one.
    """

    def __init__(self) -> None:
        self._resources: dict[int, tuple[Resource, bytes]] = {}
        self._scopes: dict[int, tuple[InstrumentationScope | None, bytes]] = {}

    def resource(self, resource: Resource) -> bytes:
        """The ``resource`` field (1) of ResourceSpans or ResourceLogs."""
        known = self._resources.get(id(resource))
        if known is None:
            encoded = block(b"\x0a", _attributes_of_resource(resource.attributes))
            if len(self._resources) >= MAX_OWNERS:
                self._resources.clear()
            known = self._resources[id(resource)] = (resource, encoded)
        return known[1]

    def scope(self, scope: InstrumentationScope | None) -> bytes:
        """The ``scope`` field (1) of ScopeSpans or ScopeLogs; empty for no scope."""
        known = self._scopes.get(id(scope))
        if known is None:
            body = b""
            if scope is not None:
                attributes = _attributes_of_scope(scope.attributes)
                body = text(b"\x0a", scope.name) + text(b"\x12", scope.version) + attributes
            if len(self._scopes) >= MAX_OWNERS:
                self._scopes.clear()
            known = self._scopes[id(scope)] = (scope, block(b"\x0a", body))
        return known[1]


class Groups:
    """Encoded items gathered by resource and scope, in the order in which each first came."""

    def __init__(self, owners: OwnerEncoder) -> None:
        self._owners = owners
        self._by_identity: dict[tuple[int, int], list[bytes]] = {}
        self._groups: dict[Resource, dict[InstrumentationScope | None, list[bytes]]] = {}

    def of(self, resource: Resource, scope: InstrumentationScope | None) -> list[bytes]:
        """The list to append an item's field bytes (with tag and length) to."""
        items = self._by_identity.get((id(resource), id(scope)))
        if items is None:
            # Equal but distinct owners share a group, as in the stock encoder.
            items = self._groups.setdefault(resource, {}).setdefault(scope, [])
            self._by_identity[id(resource), id(scope)] = items
        return items

    def encode(self) -> bytes:
        """The whole request: repeated ResourceSpans (or ResourceLogs) under field 1."""
        request: list[bytes] = []
        for resource, scopes in self._groups.items():
            parts = [self._owners.resource(resource)]
            for scope, items in scopes.items():
                schema = text(b"\x1a", scope.schema_url if scope else None)
                parts += _block(b"\x12", [self._owners.scope(scope), *items, schema])
            parts.append(text(b"\x1a", resource.schema_url))
            request += _block(b"\x0a", parts)
        return b"".join(request)


def _block(tag: bytes, parts: list[bytes]) -> list[bytes]:
    """As ``block``, in parts: a request is a megabyte, and joined once."""
    return [tag + varint(sum(map(len, parts))), *parts]
