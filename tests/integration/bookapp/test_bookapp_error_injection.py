"""The rate of a rule, measured at the running service from the outside."""

import asyncio
import math
from typing import Any

import httpx

from embedded.receiver import Receiver
from embedded.stack import PROMPT_TELEMETRY
from embedded.testing import poll_until

REQUESTS = 2_000
CLIENTS = 16
RATE = 0.2
RULE = {
    "endpoint_pattern": "/books/{book}",
    "http_method": "GET",
    "error_rate": RATE,
    "error_code": 503,
}


async def test_a_fifth_of_2000_requests_fails_and_is_counted(
    start_bookapp: Any, postgres_url: str, receiver: Receiver
) -> None:
    bookapp = start_bookapp(
        postgres_url, **PROMPT_TELEMETRY, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint
    )
    async with httpx.AsyncClient(base_url=bookapp.url, timeout=30, trust_env=False) as client:
        rule = (await client.post("/error-injection", json=RULE)).json()

        async def injected(path: str) -> bool:
            answer = await client.get(path)
            header = answer.headers.get("x-error-injected")
            assert (answer.status_code, header) in [(503, str(rule["id"])), (200, None)]
            return header is not None

        seen = 0

        async def once() -> bool:
            nonlocal seen
            seen += (hit := await injected("/books/1"))
            return hit

        await poll_until(once, what="the rule is in effect")
        todo = iter(range(REQUESTS))

        # One after the other each, so that no connection idles until the server closes it.
        async def some() -> int:
            return sum([await injected(f"/books/{n % 50 + 1}") for n in todo])

        failed = sum(await asyncio.gather(*(some() for _ in range(CLIENTS))))
    # Five standard deviations of the binomial: wrong by chance once in two million runs.
    assert abs(failed - REQUESTS * RATE) < 5 * math.sqrt(REQUESTS * RATE * (1 - RATE))

    def counted() -> bool:
        points = receiver.metrics(service="bookapp", name="error_injection.injected")
        return sum(point.value for point in points) == failed + seen

    await poll_until(counted, what="the metric has every one of them")
    (point,) = receiver.metrics(service="bookapp", name="error_injection.injected")
    assert point.attributes == {"http.route": "/books/{book}", "http.request.method": "GET"}
