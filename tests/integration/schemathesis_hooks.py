"""Loaded by Schemathesis in `test_schemathesis.py`: what it sends beside what the documents say."""

import itertools
import random
from typing import Any

import schemathesis

VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEADERS = [
    ("traceparent", VALID),
    ("traceparent", ""),
    ("traceparent", "00-0af7651916cd43dd"),
    ("traceparent", f"{VALID}-more"),
    ("traceparent", f"{VALID}, {VALID}"),
    ("traceparent", VALID.replace("00-", "ff-", 1)),
    ("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"),
    ("traceparent", VALID.upper()),
    ("traceparent", "\xff\xfe-\x80"),
    ("traceparent", "x" * 8_000),
    ("tracestate", "a=1," * 200),
    ("tracestate", "=\xe9;,,="),
    ("baggage", "\xff=%zz;;"),
    ("accept", "\xe9/;q=x"),
    ("content-type", "\xff; charset=\xfe"),
    ("content-type", "application/json; charset=utf-16"),
    ("expect", "something"),
    ("cookie", "\xff=;;="),
    ("range", "bytes=9-1"),
    ("x-forwarded-for", "'; DROP TABLE books; --"),
]
_numbers = itertools.count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Add a header of the list to every other request; let no rule fail the run's other requests.

    A content type goes only where there is no body, of which it would change the meaning.
    """
    draw = random.Random(next(_numbers))
    name, value = draw.choice(HEADERS)
    has_body = case.operation.body
    if draw.random() < 0.5 and not (name == "content-type" and has_body):
        case.headers = {**(case.headers or {}), name: value}
    rule = case.body if "error-injection" in case.operation.path else None
    if isinstance(rule, dict) and rule.get("enabled", True) is True:
        case.body = {**rule, "enabled": False}
