"""How both services say no: RFC 9457 problem details, ``application/problem+json``.

Every answer of 400 and above has one shape, names the field or the reason, and holds nothing of the
inside: no stack, no SQL, no host. Mount ``problem_handlers()`` on the application, and document a
route's problems with ``documented()``.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap

MEDIA_TYPE: Final = "application/problem+json"

RETRY_AFTER_S: Final = 2
"""What ``Retry-After`` says with a 503, in seconds: about one reconnection attempt."""

_RENAMED: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

_logger = logging.getLogger(__name__)


class FieldError(msgspec.Struct, frozen=True):
    """One field of the request, and what is wrong with it."""

    field: str
    reason: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457, section 3.1; ``errors`` is our extension member, empty unless fields are wrong.

    ``type`` stays ``about:blank``: a problem here says no more than its status and its detail.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


def invalid(errors: Sequence[FieldError]) -> ValidationException:
    """The exception to raise for wrong fields: 400, naming each."""
    return ValidationException(extra=[{"key": e.field, "message": e.reason} for e in errors])


def field_error(error: msgspec.ValidationError, whole: str = "body") -> FieldError:
    """What msgspec found wrong, as a field and a reason; ``whole`` names an error at the root.

    msgspec writes the path behind the reason: ``Expected `str`, got `int` - at `$.title` ``.
    """
    reason, _, path = str(error).rpartition(" - at `$")
    if not reason:
        return FieldError(whole, str(error))
    return FieldError(path.rstrip("`").lstrip(".") or whole, reason)


def problem_response(
    status: int,
    detail: str,
    errors: Iterable[FieldError] = (),
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """A problem as a response. ``detail`` is shown to the caller."""
    problem = Problem(
        title=phrase(status),
        status=status,
        detail=_encodable(detail),
        errors=[FieldError(_encodable(e.field), _encodable(e.reason)) for e in errors],
    )
    return Response(
        msgspec.json.encode(problem), media_type=MEDIA_TYPE, status_code=status, headers=headers
    )


def problem_handlers(
    unavailable: Callable[[BaseException], str | None],
) -> ExceptionHandlersMap:
    """Litestar's ``exception_handlers`` for a whole application.

    ``unavailable`` has a sentence for the errors that pass, such as a database that is away (503,
    with Retry-After), and None for those that are ours (500, logged here, once, with their stack).
    """

    def handle(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        if isinstance(error, ValidationException):
            return _validation_problem(error)
        if isinstance(error, HTTPException) and error.status_code < 500:
            return problem_response(error.status_code, error.detail, headers=error.headers)
        if isinstance(error, msgspec.ValidationError):
            return _fields_problem([field_error(error)])
        if isinstance(error, msgspec.DecodeError):
            return problem_response(400, str(error))
        if isinstance(error, RecursionError):  # a decoder's, of a body nested thousands deep
            return problem_response(400, "The body is nested too deeply.")
        if (sentence := unavailable(error)) is not None:
            _logger.warning("503: %s (%s)", sentence, type(error).__name__)
            return problem_response(503, sentence, headers={"Retry-After": str(RETRY_AFTER_S)})
        if isinstance(error, HTTPException) and error.status_code != 500:
            return problem_response(error.status_code, error.detail, headers=error.headers)
        _logger.error("a request failed", exc_info=error)
        return problem_response(500, "The server failed to answer; the failure is in its log.")

    return {Exception: handle}


def phrase(status: int) -> str:
    """The status's name in RFC 9110, whatever the interpreter: Python has these since 3.13."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Litestar's ``responses=`` for the problems that a route can answer with."""
    return {
        status: ResponseSpec(
            Problem,
            description=phrase(status),
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
        for status in statuses
    }


def _validation_problem(error: ValidationException) -> Response[bytes]:
    found = error.extra if isinstance(error.extra, list) else []
    errors = [
        _field_of_litestar(str(entry.get("key", "body")), str(entry.get("message", "is not valid")))
        for entry in found
        if isinstance(entry, dict)
    ]
    if not errors:
        return problem_response(error.status_code, error.detail)
    return _fields_problem(errors)


def _field_of_litestar(key: str, message: str) -> FieldError:
    """Litestar calls the body by its parameter's name, and something missing by a bare KeyError."""
    reason = "is missing" if message == repr(key) else message
    return FieldError("body" if key == "data" else key, reason)


def _fields_problem(errors: Sequence[FieldError]) -> Response[bytes]:
    named = "; ".join(f"{error.field}: {error.reason}" for error in errors)
    return problem_response(400, named, errors)


def _encodable(text: str) -> str:
    """JSON holds no lone surrogates; a request's text may."""
    return text.encode("utf-8", "replace").decode()
