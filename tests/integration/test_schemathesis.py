"""Both services against their OpenAPI documents, by Schemathesis: no 5xx, answers as documented.

It sends what the documents allow, what they forbid, and headers that nobody asked for, to real
services on an embedded PostgreSQL and broker. The seed is fixed; a failure prints the request.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from embedded.processes import Process
from embedded.services import bare_environment
from embedded.stack import Stack, StackSettings

HERE = Path(__file__).parent
DOCUMENTS = HERE.parents[1] / "docs" / "openapi"
TOKEN = "the-admins-token"
WITHIN = 240.0
"""Seconds for one service on a busy machine; alone it takes a tenth."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The whole system, with an admin token."""
    token = {"ADMIN_TOKEN": TOKEN}
    settings = StackSettings(
        environment=bare_environment(os.environ),
        bookapp_env=token,
        backend_env=token,
        otlp_endpoint="",
        fsync=False,
    )
    with Stack(settings) as running:
        yield running


def service(stack: Stack, name: str) -> tuple[str, Process]:
    """Its address and its process."""
    return {
        "bookapp": (stack.bookapp_url, stack.bookapp),
        "backend": (stack.backend_url, stack.backend),
    }[name]


@pytest.mark.parametrize("name", ["bookapp", "backend"])
def test_what_a_service_serves_is_what_is_checked_in(stack: Stack, name: str) -> None:
    url, _ = service(stack, name)
    served = httpx.get(f"{url}/schema/openapi.json", trust_env=False).json()
    checked_in = httpx.Response(200, content=(DOCUMENTS / f"{name}.json").read_bytes()).json()
    assert served == checked_in
    topics = httpx.get(f"{url}/schema/asyncapi.json", trust_env=False)
    assert topics.content == (DOCUMENTS.parent / "asyncapi.json").read_bytes()


@pytest.mark.timeout(WITHIN + 60)
@pytest.mark.parametrize("name", ["bookapp", "backend"])
def test_every_answer_is_as_documented(stack: Stack, name: str, tmp_path: Path) -> None:
    url, process = service(stack, name)
    environment = bare_environment(os.environ)
    paths = [str(HERE), *filter(None, [environment.get("PYTHONPATH")])]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/schema/openapi.json"),
            *("--header", f"Authorization: Bearer {TOKEN}"),
            *("--checks", "all", "--mode", "all", "--seed", "5", "--max-examples", "20"),
            *("--generation-database", "none"),
            *("--continue-on-failure", "--request-timeout", "10", "--no-color"),
        ],
        cwd=tmp_path,
        env=environment
        | {"PYTHONPATH": os.pathsep.join(paths), "SCHEMATHESIS_HOOKS": "schemathesis_hooks"},
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]
    failed = [line for line in process.lines if "a request failed" in line or "Traceback" in line]
    assert not failed
    assert httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200
