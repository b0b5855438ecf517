"""Failures on purpose in backend: its endpoints, and the records of its topic."""

from collections.abc import Callable
from typing import Any

import httpx

from backend.injection import TOPICS
from embedded.testing import poll_until


async def make_rule(url: str, rule: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        return await client.post("/error-injection", json=rule)


async def test_a_rule_fails_an_endpoint_and_says_so(backend: Any) -> None:
    backend.start()
    rule = {"endpoint_pattern": "/books/{id}", "http_method": "GET", "error_rate": 1}
    made = await make_rule(backend.url, {**rule, "error_code": 418})
    assert made.status_code == 201, made.text

    async def injected() -> bool:
        answer = await backend.get("/books/1")
        return answer.headers.get("x-error-injected") == str(made.json()["id"])

    await poll_until(injected, what="the injected failure")
    assert (await backend.get("/books/1")).status_code == 418
    assert (await backend.get("/books?ids=1")).status_code == 200


async def test_a_rule_that_names_the_topic_makes_dead_letters(
    backend: Any, topic: Any, record: Callable[..., Any]
) -> None:
    backend.start()
    rule = {"topic": TOPICS[0], "error_rate": 1.0, "error_message": "on purpose"}
    made = await make_rule(backend.url, rule)
    assert made.status_code == 201, made.text
    await poll_until(lambda: injected_into(backend, topic, record), 10, what="a dead letter")
    async with httpx.AsyncClient(base_url=backend.url) as client:
        gone = await client.delete(f"/error-injection/{made.json()['id']}")
    assert gone.status_code == 204
    await topic.publish(record(9_999))
    await backend.has(9_999)


async def injected_into(backend: Any, topic: Any, record: Callable[..., Any]) -> bool:
    """Publish a record; whether it became a dead letter (the rule takes a moment to be known)."""
    await topic.publish(record(1))
    try:
        return bool(await topic.dead_letters(1, within=1.0))
    except TimeoutError:
        return False


async def test_another_topic_cannot_be_named(backend: Any) -> None:
    backend.start()
    refused = await make_rule(backend.url, {"topic": "elsewhere", "error_rate": 1})
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["topic"]
