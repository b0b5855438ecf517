"""Requests that fail or wait because a rule says so.

A Litestar middleware, so that it runs after routing, where the route's template is known, and
inside the server span. An injected answer is a problem document (RFC 9457) with a header that
names the rule; the handler does not run.
"""

import asyncio
import random
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from error_injection.reporting import report
from error_injection.rule import Rule
from error_injection.rules import Rules

HEADER: Final = "x-error-injected"
"""The response header with the id of the rule that made the answer."""


def injection_middleware(
    rules: Rules, draw: Callable[[], float] = random.random
) -> Callable[[ASGIApp], ASGIApp]:
    """An entry for Litestar's ``middleware=[…]``, first in the list. ``draw`` gives [0, 1)."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def inject(scope: Scope, receive: Receive, send: Send) -> None:
            if rules.active and scope["type"] == ScopeType.HTTP:
                rule = rules.endpoint(scope["path_template"], scope["method"])
                if rule is not None and await _applies(rule, draw):
                    return await _answer(rule, send)
            return await app(scope, receive, send)

        return inject

    return wrap


async def _applies(rule: Rule, draw: Callable[[], float]) -> bool:
    """Hold the request up; then, whether it fails."""
    failed = draw() < rule.error_rate
    if failed or rule.delay_ms:
        report(rule, failed=failed)
    if rule.delay_ms:
        await asyncio.sleep(rule.delay_ms / 1000)
    return failed


async def _answer(rule: Rule, send: Send) -> None:
    body = msgspec.json.encode(
        {
            "type": "about:blank",
            "title": _title(rule.error_code),
            "status": rule.error_code,
            "detail": rule.error_message,
            "errors": [],
        }
    )
    await send(
        {
            "type": "http.response.start",
            "status": rule.error_code,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
                (HEADER.encode(), str(rule.id).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Injected error"
