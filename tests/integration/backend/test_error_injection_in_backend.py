"""Failures on purpose in backend: its endpoints, and the records of its topic."""

from collections.abc import Callable
from typing import Any

import asyncpg
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


async def test_with_a_token_the_rules_are_the_admins_alone(backend: Any) -> None:
    backend.env["ADMIN_TOKEN"] = "kettle"
    backend.start()
    rule = {"topic": TOPICS[0], "error_rate": 0}
    async with httpx.AsyncClient(base_url=backend.url, timeout=10) as client:
        for authorization in (None, "Bearer kettles", "Basic kettle"):
            headers = {} if authorization is None else {"authorization": authorization}
            for method, path in (
                ("GET", ""),
                ("POST", ""),
                ("GET", "/1"),
                ("PUT", "/1"),
                ("DELETE", "/1"),
            ):
                answer = await client.request(
                    method, f"/error-injection{path}", json=rule, headers=headers
                )
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
        client.headers["authorization"] = "Bearer kettle"
        assert (await client.get("/error-injection")).json() == []
        assert (await client.post("/error-injection", json=rule)).status_code == 201
        assert (await client.get("/books/1")).status_code == 404  # asks for no token
        assert (await client.get("/health/ready")).status_code == 200


async def test_health_documents_and_the_rules_themselves_are_out_of_reach(
    backend: Any, postgres_url: str
) -> None:
    """Also for somebody who writes rules with SQL, past the routes that refuse them."""
    backend.start()
    out_of_reach = [
        *("/health", "/health/live", "/health/ready"),
        *("/schema", "/schema/openapi.json", "/schema/asyncapi.json"),
        "/error-injection",
    ]
    for path in out_of_reach:
        refused = await make_rule(
            backend.url, {"endpoint_pattern": path, "http_method": "GET", "error_rate": 1}
        )
        assert refused.status_code == 400
        assert [error["field"] for error in refused.json()["errors"]] == ["endpoint_pattern"]
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.executemany(
            "INSERT INTO backend.error_injection_config (endpoint_pattern, http_method, error_rate)"
            " VALUES ($1, 'GET', 1)",
            [(path,) for path in (*out_of_reach, "/books/{id}")],
        )
    finally:
        await connection.close()

    async def injected() -> bool:
        return "x-error-injected" in (await backend.get("/books/1")).headers

    await poll_until(injected, what="the rules are in effect")
    for path in out_of_reach:
        assert (await backend.get(path)).status_code == 200, path
