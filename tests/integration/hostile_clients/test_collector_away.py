"""What clients send waits nowhere at length while the Collector is away."""

import pytest
from tests.integration.hostile_clients.conftest import MIB, Program, Start, Watch

from embedded.ports import free_port

TOO_LARGE = 300
LARGE = 1_500


def get(program: Program, user_agent: int) -> bytes:
    path = {"bookapp": b"/books/1", "backend": b"/books/1"}[program.name]
    return program.get(path + b"?q=" + b"z" * 2_000, b"User-Agent: " + b"y" * user_agent)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("name", ["bookapp", "backend"])
def test_user_agents_without_end_cost_a_bounded_memory(
    start: Start, name: str, protocol: str
) -> None:
    """300 of 2 MB are refused; 1,500 of the largest that are not make a span each."""
    program = start(
        name,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}",
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_BSP_SCHEDULE_DELAY="1000",
        OTEL_BLRP_SCHEDULE_DELAY="1000",
        SENTRY_DSN="",
    )
    too_large, large = get(program, 2_000_000), get(program, 60_000)
    with Watch(program) as watch:
        for _ in range(TOO_LARGE):
            with program.connect() as client:
                client.send(too_large)
                assert client.answer().status == 431
        with program.connect() as client:
            for _ in range(LARGE):
                client.send(large)
                assert client.answer().status in (200, 404)
    watch.assert_well(grown=80 * MIB)
    assert program.complaints() == []
