"""What a rule is, and which ones are refused."""

import re
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from litestar.exceptions import ValidationException
from msgspec import Meta

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

TEMPLATE: Final = r"^/$|^(/([A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+$"
"""A route template: literal segments, and parameters in braces. No trailing slash."""
TOPIC: Final = r"^[A-Za-z0-9._-]+$"
"""A Kafka topic name."""
PROTECTED: Final = ("/error-injection", "/health", "/metrics", "/schema")
"""Paths that cannot be injected, with all below them: a rule must never lock its admin out."""

_PARAMETER: Final = re.compile(r"\{[^}]*\}")


class RuleBody(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A rule as it is sent: an endpoint (pattern and method), or a topic, and what happens there.

    ``error_rate`` is the share that fails, by chance for each request, once per record for a
    topic. ``delay_ms`` holds up all that match, failing or not.
    """

    endpoint_pattern: (
        Annotated[
            str,
            Meta(
                max_length=200,
                pattern=TEMPLATE,
                description="Route template; a parameter's name does not matter.",
                examples=["/books/{id}"],
            ),
        ]
        | None
    ) = None
    http_method: Annotated[Method, Meta(description="Of the endpoint.")] | None = None
    topic: (
        Annotated[
            str,
            Meta(
                max_length=249,
                pattern=TOPIC,
                description="Instead of an endpoint: the topic whose records are affected.",
            ),
        ]
        | None
    ) = None
    error_rate: Annotated[float, Meta(ge=0, le=1, description="Share that fails.")]
    error_code: Annotated[int, Meta(ge=400, le=599, description="HTTP status to answer.")] = 500
    error_message: Annotated[
        str, Meta(max_length=1000, pattern=r"^[^\x00]*$", description="Detail of the problem.")
    ] = "Injected error"
    enabled: bool = True
    delay_ms: Annotated[
        int, Meta(ge=0, le=60_000, description="Milliseconds that each match is held up.")
    ] = 0
    fatal: Annotated[
        bool,
        Meta(
            description="For a topic: a record fails for good and is dead-lettered (true), "
            "or is retried until the rule changes (false)."
        ),
    ] = True


class Rule(RuleBody, kw_only=True, frozen=True, forbid_unknown_fields=False):
    """A rule as it is stored."""

    id: int


def refused(key: str, message: str) -> ValidationException:
    """The 400 that names a field, in the form in which Litestar reports its own."""
    return ValidationException(
        detail=f"{key}: {message}", extra=[{"key": key, "message": message, "source": "body"}]
    )


def check(body: RuleBody, topics: Collection[str]) -> None:
    """Refuse what single fields cannot tell. ``topics``: those that this service consumes.

    Raises:
        ValidationException: 400, naming the field.
    """
    if body.topic is not None:
        if body.endpoint_pattern is not None or body.http_method is not None:
            raise refused("topic", "a rule names a topic or an endpoint, not both")
        if body.topic not in topics:
            known = ", ".join(sorted(topics)) or "none"
            raise refused("topic", f"this service consumes {known}")
        return
    if body.endpoint_pattern is None:
        raise refused("endpoint_pattern", "is missing")
    if body.http_method is None:
        raise refused("http_method", "is missing")
    if body.endpoint_pattern.endswith("\n"):  # which $ in the pattern lets pass
        raise refused("endpoint_pattern", "is not a route template")
    if is_protected(body.endpoint_pattern):
        raise refused("endpoint_pattern", "cannot be injected")


def check_types(given: Any) -> None:
    """Refuse a text where a number belongs (``"error_rate": "1"``), and the like.

    Litestar reads a body as leniently as a query, in which everything is text.

    Raises:
        ValidationException: 400, naming the field.
    """
    if isinstance(given, dict):  # to JSON, 500.0 is a whole number
        given = {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in given.items()
        }
    try:
        msgspec.convert(given, RuleBody)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).rpartition(" - at `$.")
        if reason.startswith("Invalid enum value"):  # and the value, which is nobody's business
            reason = f"must be one of {', '.join(get_args(Method))}"
        raise refused(path.rstrip("`") or "body", reason or str(error)) from None


def is_protected(pattern: str) -> bool:
    """Whether a path or template is one of ``PROTECTED`` or below it."""
    return any(pattern == path or pattern.startswith(f"{path}/") for path in PROTECTED)


def shape(template: str) -> str:
    """The template without its parameters' names: ``/books/{}``."""
    return _PARAMETER.sub("{}", template)
