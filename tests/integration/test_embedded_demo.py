"""The demo, from its command line: the tour, its exit status, and that nothing is left behind."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from tests.making import command

from embedded.waiting import wait_until

FREE_PORTS = ["--bookapp-port", "0", "--backend-port", "0", "--trace-port", "0"]
BROKEN_BOOKAPP = 'raise SystemExit("bookapp: DATABASE_URL takes a postgresql:// address")\n'


@pytest.fixture
def demo():
    """Starts the demo; it is killed at the end of the test, if it still runs."""
    started = []

    def start(*options, typed=None, **env):
        environment = {**os.environ, **env}
        process = subprocess.Popen(
            typed or [sys.executable, "-m", "embedded.demo", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def descendants(process):
    return psutil.Process(process.pid).children(recursive=True)


def read_until(process, pattern):
    """The output up to the first line that matches."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return "".join(lines)
    pytest.fail(f"no {pattern!r} in:\n{''.join(lines)}\n{process.stderr.read()}")


def test_the_tour_sees_what_it_promises(demo, tmp_path):
    report = tmp_path / "seen.json"
    options = ["--once", "--json", str(report), *FREE_PORTS]
    process = demo(typed=command("demo", f"ARGS={shlex.join(options)}"))
    begun = None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("The tour"):
            begun = time.monotonic()
    error = process.stderr.read()
    output = "".join(lines)
    assert process.wait(30) == 0, output + error
    assert begun is not None
    assert time.monotonic() - begun < 30
    assert "\x1b" not in output, "colours are for terminals"

    seen = json.loads(report.read_text())
    assert [(step["name"], step["status"]) for step in seen["steps"]][:2] == [
        ("add a book", 201),
        ("wait until it is ingested", 200),
    ]
    assert all(re.fullmatch("[0-9a-f]{32}", step["trace_id"]) for step in seen["steps"])
    traces = {step["name"]: step["trace_id"] for step in seen["steps"]}
    (send,) = [
        span
        for span in seen["spans"]
        if span["trace_id"] == traces["add a book"] and span["name"] == "send book_ingestion"
    ]
    linked = {"trace_id": send["trace_id"], "span_id": send["span_id"]}
    (process_span,) = [span for span in seen["spans"] if span["links"] == [linked]]
    assert process_span["service"] == "backend"
    assert process_span["parent_id"] == ""
    assert any(log["trace_id"] == process_span["trace_id"] for log in seen["logs"])


@pytest.mark.parametrize(
    ("end", "moment", "expected"),
    [
        (signal.SIGINT, "Try: curl", 0),
        (signal.SIGTERM, "The tour", 143),
        (signal.SIGKILL, "The tour", -signal.SIGKILL),
    ],
)
def test_nothing_is_left_behind(demo, end, moment, expected):
    process = demo(*FREE_PORTS)
    output = read_until(process, moment)
    if page := re.search(r"traces +(http://\S+)", output):
        assert httpx.get(page.group(1)).status_code == 200
    family = descendants(process)
    commands = [" ".join(one.cmdline()) for one in family]
    assert any("faust" in command for command in commands)
    assert any("bookapp" in command for command in commands)
    scratch = {Path(one.cwd()) for one in family if "embedded-" in one.cwd()}
    assert len(scratch) >= 2, "PostgreSQL's and the services'"

    process.send_signal(end)
    assert process.wait(30) == expected
    assert psutil.wait_procs(family, timeout=20)[1] == []
    wait_until(lambda: not any(path.exists() for path in scratch), 5, what="the removal")


def test_a_port_in_use_is_one_line_that_says_what_to_do(demo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = demo("--once", *FREE_PORTS, "--bookapp-port", port)
        output, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert re.fullmatch(rf"demo: Port {port} for bookapp is in use: .*--bookapp-port.*\n", error)
    assert "Traceback" not in output


def test_a_part_that_does_not_start_is_one_line(demo, tmp_path):
    package = tmp_path / "broken" / "bookapp"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(BROKEN_BOOKAPP)
    path = os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])
    process = demo("--once", *FREE_PORTS, PYTHONPATH=path.rstrip(os.pathsep))
    family = wait_until(lambda: descendants(process), 20, what="a first part")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error.count("\n") == 1
    assert "bookapp ended at its start: bookapp: DATABASE_URL takes" in error
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_ctrl_c_while_it_starts_ends_it(demo):
    process = demo(*FREE_PORTS)
    read_until(process, "PostgreSQL")
    family = descendants(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_help_says_what_it_does_and_which_ports_it_takes():
    command = [sys.executable, "-m", "embedded.demo", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for word in ("--once", "--json", "8000", "8001", "4318", "trace page", "Ctrl-C"):
        assert word in text


def test_a_port_that_is_no_port_is_refused():
    command = [sys.executable, "-m", "embedded.demo", "--bookapp-port", "many"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a port is a number" in done.stderr


def test_the_report_can_only_be_written_where_that_is_possible(demo):
    process = demo("--once", "--json", str(Path("/no/such/directory/seen.json")), *FREE_PORTS)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "/no/such/directory" in error
