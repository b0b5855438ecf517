"""The end: everything is told to stop, in a bounded time."""

import threading
import time

import pytest

from telemetry import Telemetry, TelemetrySettings


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(TelemetrySettings())


def test_a_stop_that_hangs_is_aborted_when_the_time_is_up(telemetry: Telemetry) -> None:
    released, stopped = threading.Event(), threading.Event()
    telemetry._stops += [released.wait, stopped.set]
    telemetry._aborts.append(released.set)
    started = time.monotonic()
    telemetry.shutdown(timeout=0.2)
    assert 0.2 <= time.monotonic() - started < 2
    assert stopped.is_set()
    assert released.is_set()


def test_a_stop_in_time_is_not_aborted_and_happens_once(telemetry: Telemetry) -> None:
    calls: list[str] = []
    telemetry._stops.append(lambda: calls.append("stop"))
    telemetry._aborts.append(lambda: calls.append("abort"))
    telemetry.shutdown()
    telemetry.shutdown()
    assert calls == ["stop"]


def test_where_no_thread_can_be_started_any_more_it_stops_all_the_same(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    calls: list[str] = []
    telemetry._stops.append(lambda: calls.append("stop"))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    telemetry.shutdown()
    assert calls == ["stop"]
