"""The shape that OTLP's three requests share: resources, in them scopes, in them the pieces."""

from collections.abc import Iterator

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from embedded.receiver import limits
from embedded.receiver.intake.shrink import shrunk
from embedded.receiver.intake.values import Cuts
from embedded.receiver.intake.wire import Budget, chunks, fields
from embedded.receiver.model import Attributes

# The numbers are the same in the messages of traces, logs and metrics.
_GROUP = 1
_HEAD, _INNER = 1, 2


def groups(body: bytes, budget: Budget) -> Iterator[tuple[bytes, Attributes, str]]:
    """Each piece's bytes, its resource's attributes and its scope's name.

    Raises Malformed, DecodeError or TooMuch.
    """
    for group in chunks(body, _GROUP, budget):
        head, scopes = _split(group, budget)
        resource = _resource(head, budget)
        for scoped in scopes:
            scope_head, pieces = _split(scoped, budget)
            scope = _scope(scope_head, budget)
            for piece in pieces:
                yield piece, resource, scope


def _split(data: bytes, budget: Budget) -> tuple[bytes, list[bytes]]:
    head, inner = b"", []
    for number, field in fields(data, budget):
        if number == _HEAD:
            head = field
        elif number == _INNER:
            inner.append(field)
    return head, inner


def _resource(data: bytes, budget: Budget) -> Attributes:
    if len(data) > limits.PIECE_BYTES:
        data = shrunk(data, budget, pairs=1)
    return Cuts().attributes(Resource.FromString(data).attributes)


def _scope(data: bytes, budget: Budget) -> str:
    if len(data) > limits.PIECE_BYTES:
        data = shrunk(data, budget, pairs=3)
    return Cuts().text(InstrumentationScope.FromString(data).name, limits.TEXT // 16)
