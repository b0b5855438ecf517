"""How both services say no: RFC 9457 problem details, ``application/problem+json``.

Every answer of 400 and above has one shape, names the field or the reason, and holds nothing of the
inside: no stack, no SQL, no host. ``Problems`` is Litestar's plugin for them, with the one place
in which errors are mapped; document a route's problems with ``documented()``.
"""

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.config.app import AppConfig
from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    SerializationException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)

from contracts.reasons import FieldError as FieldError
from contracts.reasons import of_request, why_no_json

MEDIA_TYPE: Final = "application/problem+json"

RETRY_AFTER_S: Final = 2
"""What ``Retry-After`` says with a 503, in seconds: about one reconnection attempt."""

_RENAMED: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
_GONE: Final = "client disconnected prematurely"  # Litestar's words, under a 500

_logger = logging.getLogger(__name__)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457, section 3.1; ``errors`` is our extension member, empty unless fields are wrong.

    ``type`` stays ``about:blank``: a problem here says no more than its status and its detail.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


def problem(
    status: int,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: dict[str, str] | None = None,
) -> ProblemDetailsException:
    """The exception to raise for a problem. ``detail`` is shown to the caller."""
    return ProblemDetailsException(
        status_code=status,
        type_="about:blank",
        title=phrase(status),
        detail=_encodable(detail),
        extra={
            "errors": [FieldError(_encodable(e.field), _encodable(e.reason)) for e in errors],
        },
        headers=headers,
    )


def invalid(errors: Sequence[FieldError]) -> ProblemDetailsException:
    """The exception to raise for wrong fields: 400, naming each."""
    return problem(400, "; ".join(f"{error.field}: {error.reason}" for error in errors), errors)


class Problems(ProblemDetailsPlugin):
    """An application's problems.

    ``unavailable`` has a sentence for the errors that pass, such as a database that is away (503,
    with Retry-After), and None for those that are ours (500, logged here, once, with their stack).
    """

    def __init__(self, unavailable: Callable[[BaseException], str | None]) -> None:
        self._unavailable = unavailable
        super().__init__(
            ProblemDetailsConfig(exception_to_problem_detail_map={Exception: self.of_error})
        )

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Litestar's hook: errors that say too little without the request have handlers here."""
        handlers = app_config.exception_handlers
        handlers[ValidationException] = _answer_invalid
        handlers[RequestEntityTooLarge] = _answer_too_large
        for kind in (ClientException, RecursionError, UnicodeDecodeError):
            handlers[kind] = self._answer
        return super().on_app_init(app_config)

    def of_error(self, error: Exception) -> ProblemDetailsException:
        """What an exception is to the caller."""
        if isinstance(error, HTTPException) and error.status_code < 500:
            return problem(error.status_code, error.detail, headers=error.headers)
        if isinstance(error, InternalServerException) and error.detail == _GONE:
            return problem(400, "The client went away before the end of its body.")
        if (sentence := self._unavailable(error)) is not None:
            _logger.warning("503: %s (%s)", sentence, type(error).__name__)
            return problem(503, sentence, headers={"Retry-After": str(RETRY_AFTER_S)})
        if isinstance(error, HTTPException) and error.status_code != 500:
            return problem(error.status_code, error.detail, headers=error.headers)
        _logger.error("a request failed", exc_info=error)
        return problem(500, "The server failed to answer; the failure is in its log.")

    def _answer(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """What may come from a body that is no JSON, in whichever of a decoder's exceptions."""
        reason = None
        if not isinstance(error, ClientException) or isinstance(
            error.__cause__, SerializationException
        ):
            reason = why_no_json(request)
        said = self.of_error(error) if reason is None else invalid([FieldError("body", reason)])
        return said.to_response(request)


def _answer_invalid(
    request: Request[Any, Any, Any], error: ValidationException
) -> Response[dict[str, Any]]:
    """400 with every wrong field; 404 where it is the path that names what cannot be there."""
    found = error.extra if isinstance(error.extra, list) else []
    if any(entry.get("source") == "path" for entry in found):
        return problem(404, "There is nothing at this address.").to_response(request)
    errors = of_request(request, found)
    said = invalid(errors) if errors else problem(error.status_code, error.detail)
    return said.to_response(request)


def _answer_too_large(
    request: Request[Any, Any, Any], _: RequestEntityTooLarge
) -> Response[dict[str, Any]]:
    """413, with the limit that Litestar leaves out."""
    handler = request.route_handler
    assert isinstance(handler, HTTPRouteHandler)
    limit = handler.resolve_request_max_body_size()
    return problem(413, f"The body is over {limit} bytes.").to_response(request)


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


def _encodable(text: str) -> str:
    """JSON holds no lone surrogates; a request's text may."""
    return text.encode("utf-8", "replace").decode()
