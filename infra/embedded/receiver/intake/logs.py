"""Log lines out of an ExportLogsServiceRequest."""

from collections.abc import Iterator

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from embedded.receiver import limits
from embedded.receiver.intake.groups import groups
from embedded.receiver.intake.shrink import shrunk
from embedded.receiver.intake.values import Cuts, id_of, time_of
from embedded.receiver.intake.wire import Budget
from embedded.receiver.model import Attributes, Log

_BODY, _ATTRIBUTES = 5, 6
_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def logs_of(body: bytes) -> Iterator[Log]:
    """Each line as it is decoded.

    Raises Malformed, DecodeError or TooMuch; what came before is good.
    """
    budget = Budget()
    for data, resource, scope in groups(body, budget):
        if len(data) > limits.PIECE_BYTES:
            data = shrunk(data, budget, pairs=_ATTRIBUTES, value=_BODY)
        yield _log(LogRecord.FromString(data), resource, scope)


def _log(record: LogRecord, resource: Attributes, scope: str) -> Log:
    cuts = Cuts()
    body = cuts.value(record.body)
    number = record.severity_number
    level = cuts.text(record.severity_text, 32)
    if not level and 1 <= number <= 24:
        level = _LEVELS[(number - 1) // 4]
    return Log(
        service=str(resource.get("service.name", "")),
        level=level,
        message=body if isinstance(body, str) else "" if body is None else repr(body),
        trace_id=id_of(record.trace_id, 16),
        span_id=id_of(record.span_id, 8),
        time=time_of(record.time_unix_nano) or time_of(record.observed_time_unix_nano),
        attributes=cuts.attributes(record.attributes),
        scope=scope,
        resource=resource,
    )
