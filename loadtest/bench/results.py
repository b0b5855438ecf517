"""What a benchmark finds out: runs that are compared, facts that stand alone, spans received."""

import msgspec


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one variant. Variants of one case and round are compared with each other."""

    case: str
    variant: str
    round: int
    per_second: float
    unit: str = "requests"
    p50_ms: float | None = None
    p99_ms: float | None = None
    errors: int = 0
    cpu_us: dict[str, float] = {}
    """Microseconds of CPU per request or record, by process."""
    memory_mb: dict[str, float] = {}


class Spans(msgspec.Struct, frozen=True, kw_only=True):
    """How many spans of one kind a variant must have sent in one session, and how many came."""

    variant: str
    span: str
    expected: int
    received: int


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A number with a meaning of its own. `at_most` is its goal, when it has one."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of a service takes of each request, in microseconds of CPU."""

    case: str
    variant: str
    part: str
    cpu_us: float


Finding = Measurement | Spans | Fact | Share
