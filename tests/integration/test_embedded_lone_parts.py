"""`python -m embedded.parts`: what it prints can be used, and ends with it."""

import re
import sys

import asyncpg
import httpx
from confluent_kafka.admin import AdminClient

from embedded.ports import accepts
from embedded.testing import RunService


async def test_it_prints_addresses_that_work_until_it_is_stopped(run_service: RunService) -> None:
    parts = run_service([sys.executable, "-m", "embedded.parts", "--trace-port", "0"], {})
    parts.wait_for_line("until Ctrl-C", 60)
    exported = dict(re.findall(r"^export (\w+)=(\S+)$", "\n".join(parts.lines), re.MULTILINE))

    connection = await asyncpg.connect(exported["DATABASE_URL"])
    assert (
        await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    )
    await connection.close()
    broker = AdminClient({"bootstrap.servers": exported["KAFKA_BROKER_URL"]})
    assert broker.list_topics(timeout=10).brokers
    async with httpx.AsyncClient(trust_env=False) as client:
        page = await client.get(exported["OTEL_EXPORTER_OTLP_ENDPOINT"])
    assert page.headers["content-type"].startswith("text/html")

    assert parts.stop() == 0
    ports = [int(re.findall(r":(\d+)", address)[-1]) for address in exported.values()]
    assert [accepts(port) for port in ports] == [False] * 4


def test_a_port_in_use_is_one_line(run_service: RunService) -> None:
    first = run_service([sys.executable, "-m", "embedded.receiver", "--port", "0"], {})
    port = first.wait_for_line(r"listening on (\d+)", 30)[1]
    parts = run_service([sys.executable, "-m", "embedded.parts", "--trace-port", port], {})
    assert parts.wait(30) == 1
    assert [line for line in parts.lines if not line.startswith("export")] == [
        f"parts: Port {port} for the trace page is in use: choose another one."
    ]
