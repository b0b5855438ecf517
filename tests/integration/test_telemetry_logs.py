"""Log lines: readable on a terminal, JSON elsewhere, and through uvicorn and Faust the same."""

import json
import logging
import os
import pty
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.processes import Process
from embedded.receiver import Receiver
from embedded.testing import wait_until
from telemetry.logs import JsonFormatter, RateLimit, TextFormatter

APP = """
    import logging, os
    from opentelemetry import trace
    from telemetry import TelemetrySettings, configure, read_settings
    from telemetry.http import instrument

    settings = read_settings(TelemetrySettings, os.environ, {"OTEL_SERVICE_NAME": "probe"})
    telemetry = configure(settings)
    log = logging.getLogger("probe")

    async def answer(scope, receive, send):
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            return telemetry.shutdown()
        log.info("asked for %s", scope["path"])
        if scope["path"] == "/fails":
            raise LookupError("no such shelf")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(logging.root.handlers).encode()})

    app = instrument(answer, settings)
"""

WORKER = """
    import faust, os
    from telemetry import TelemetrySettings, configure, read_settings

    settings = read_settings(TelemetrySettings, os.environ, {"OTEL_SERVICE_NAME": "probe"})
    telemetry = configure(settings)

    class Worker(faust.Worker):
        def __init__(self, *args, **options):
            super().__init__(*args, **options, override_logging=False)

    app = faust.App("probe", broker="kafka://127.0.0.1:9", datadir="data", Worker=Worker)
"""


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])} | more


def json_lines(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_uvicorn_s_lines_and_ours_come_once_each_in_one_format(
    tmp_path: Path, receiver: Receiver
) -> None:
    (tmp_path / "probe_app.py").write_text(textwrap.dedent(APP))
    process = Process(
        "uvicorn",
        [sys.executable, "-m", "uvicorn", "probe_app:app", "--port", "0"],
        env=environment(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint),
    )
    try:
        port = process.wait_for_line(r"Uvicorn running on http://127.0.0.1:(\d+)", 20).group(1)
        answer = httpx.get(f"http://127.0.0.1:{port}/shelf", trust_env=False)
        failure = httpx.get(f"http://127.0.0.1:{port}/fails", trust_env=False)
        process.wait_for_line("nobody handled", 10)
    finally:
        process.stop(timeout=5)
    assert "StreamHandler" in answer.text
    assert answer.text.count("OtlpHandler") == 1
    assert failure.status_code == 500
    lines = json_lines(process.lines)
    messages = [line["message"] for line in lines]
    assert messages.count("asked for /shelf") == 1
    assert messages.count("Application startup complete.") == 1
    assert sum("Uvicorn running" in message for message in messages) == 1
    (failed,) = (line for line in lines if "exception" in line)
    assert failed["trace_id"] == failure.headers["traceparent"].split("-")[1]
    (asked,) = (line for line in lines if line["message"] == "asked for /shelf")
    assert asked["trace_id"] == answer.headers["traceparent"].split("-")[1]
    wait_until(lambda: [r for r in receiver.logs() if "Uvicorn running" in r.message])
    assert not [record for record in receiver.logs() if "color_message" in record.attributes]


def test_a_faust_worker_that_leaves_logging_alone_logs_like_the_rest(
    tmp_path: Path, receiver: Receiver
) -> None:
    (tmp_path / "probe_worker.py").write_text(textwrap.dedent(WORKER))
    process = Process(
        "faust",
        [sys.executable, "-m", "faust", "-A", "probe_worker", "worker", "-l", "info"],
        env=environment(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint),
        cwd=tmp_path,
    )
    try:
        process.wait_for_line("Worker.*Starting", 20)
    finally:
        process.stop(timeout=10)
    starting = [line for line in json_lines(process.lines) if "Starting" in line["message"]]
    assert starting[0]["logger"] == "faust.worker"
    wait_until(lambda: [r for r in receiver.logs() if "Worker]: Starting" in r.message])


@pytest.mark.parametrize(
    ("log_format", "expected"), [("auto", "INFO    probe: hello"), ("json", '"message":"hello"')]
)
def test_a_terminal_gets_readable_lines_unless_json_is_asked_for(
    tmp_path: Path, log_format: str, expected: str
) -> None:
    code = textwrap.dedent(APP) + "log.info('hello')\n"
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run(
            [sys.executable, "-c", code],
            stderr=theirs,
            env=environment(tmp_path, LOG_FORMAT=log_format),
            timeout=30,
            check=True,
        )
        os.close(theirs)
        assert expected in terminal.read(4096).decode()


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("app", logging.WARNING, "app.py", 7, message, None, None)
    vars(made).update(extra)
    return made


def test_json_lines_survive_any_extra() -> None:
    line = JsonFormatter("probe").format(record("odd\nline", what=object(), when=b"\xff", n=1))
    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["message"], entry["n"], entry["service"]) == ("odd\nline", 1, "probe")


def test_text_lines_have_extras_and_the_traceback() -> None:
    try:
        raise LookupError("no shelf")
    except LookupError:
        made = record("failed", book_id=17)
        made.exc_info = sys.exc_info()
    first, *rest = TextFormatter().format(made).splitlines()
    assert first.endswith("WARNING app: failed book_id=17")
    assert rest[-1] == "    LookupError: no shelf"  # set in: it looks like no line of the log


def test_the_machinery_may_complain_once_a_minute_and_everyone_else_always() -> None:
    limit = RateLimit()
    complaint = record("away")
    complaint.name = "opentelemetry.exporter"
    assert [limit.filter(complaint) for _ in range(3)] == [True, False, False]
    complaint.lineno += 1
    assert limit.filter(complaint)
    complaint.name = "opentelemetry.other"  # another one says the same
    assert limit.filter(complaint)
    assert all(limit.filter(record("ours")) for _ in range(3))
