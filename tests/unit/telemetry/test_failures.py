"""An exporter that fails is told of once, in our words, and once when that is over."""

import logging
from enum import Enum
from typing import Any

import pytest

from telemetry.destinations import Destination
from telemetry.failures import tell_failures

WHERE = Destination(
    url="http://collector:4318/v1/traces", protocol="grpc", headers={"a": "secret"}, timeout=1
)
STOCK = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")


class Result(Enum):
    SUCCESS = 0
    FAILURE = 1


class Exporter:
    def __init__(self, *results: Result) -> None:
        self.results = list(results)

    def export(self, batch: object) -> Result:
        result = self.results.pop(0)
        if result is Result.FAILURE:
            STOCK.error("Transient error:\n it is\x20 away, retrying")
        return result


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    def run(*results: Result) -> list[str]:
        caplog.clear()
        exporter: Any = Exporter(*results)
        tell_failures(exporter, "traces", WHERE)
        assert [exporter.export(()) for _ in results] == list(results)
        # pytest listens to loggers that do not propagate as well.
        ours = [record for record in caplog.records if record.name == "telemetry.failures.traces"]
        assert not logging.getLogger("opentelemetry.exporter").propagate
        return [record.getMessage() for record in ours]

    return run


def test_nothing_is_said_while_all_is_well(told: Any) -> None:
    assert told(Result.SUCCESS, Result.SUCCESS) == []


def test_a_failure_that_goes_on_is_said_once_with_its_reason_and_once_when_it_is_over(
    told: Any,
) -> None:
    lines = told(*[Result.FAILURE] * 30, Result.SUCCESS, Result.SUCCESS)
    assert lines == [
        "traces do not reach http://collector:4318 and are lost until they do:"
        " Transient error: it is away, retrying",
        "traces reach http://collector:4318 again; exports that were lost: 30",
    ]


def test_each_failure_after_a_success_is_a_new_one(told: Any) -> None:
    lines = told(Result.FAILURE, Result.SUCCESS, Result.FAILURE, Result.SUCCESS)
    assert len(lines) == 4
