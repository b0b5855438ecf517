"""The shell blocks of the pages, typed in their order, and what the pages say comes of them."""

import re
from collections.abc import Iterator

import pytest
from tests.documents import Terminal, shell_blocks
from tests.making import ROOT, command

from embedded.ports import free_port
from embedded.processes import Process
from embedded.services import wait_ready

BREAK_IT = ROOT / "docs" / "break-it.md"
LIFT_IT = ROOT / "docs" / "lift-it.md"
MADE = r'"id":\s*\d+'
EXPERIMENTS = [
    ('rule 8000 \'{"endpoint_pattern"', r"(503 .*200 |200 .*503 )"),
    ("curl -X DELETE 127.0.0.1:8000/error-injection/1", r'\A(?!.*"status")'),
    ('rule 8001 \'{"endpoint_pattern"', r'"details":\s*null.*real\s+0m[01]\.'),
    ("curl -X DELETE 127.0.0.1:8001/error-injection/1", r'\A(?!.*"status")'),
    ('rule 8001 \'{"topic"', r"book_ingestion/\d/\d+"),
    ("curl -X DELETE 127.0.0.1:8001/error-injection/2", r"\b1\b"),
    ('rule 8001 \'{"topic"', r"consumption is stopped"),
    ("curl -X DELETE 127.0.0.1:8001/error-injection/3", r"\b(9|10)\b"),
    (".venv/bin/python -c '", r"book_ingestion/\d/\d+.*DecodeError"),
]
"""How each block of break-it.md begins, in order, and what its output must match."""
LEFT_TO_OTHERS = {
    "kill -9 PID            # of": "tests/stack/test_outages.py",
    'add \'{"title": "VALIS"': "tests/stack/test_outages.py",
    "kill -STOP PID         # of": "tests/stack/test_outages.py",
    "make chaos": "tests/stack/test_chaos.py",
}
"""Blocks about killed processes, and the tests that kill them."""


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal({port: free_port() for port in ("8000", "8001", "4318")})
    yield opened
    opened.close()


def start_parts(terminal: Terminal) -> Process:
    """`make parts`, as the pages begin; the lines that it prints are pasted."""
    parts = terminal.start(" ".join(command("parts", "ARGS='--trace-port 0 --no-browser'")))
    parts.wait_for_line("until Ctrl-C", 60)
    exported = re.findall(r"^export (\w+)=(\S+)$", "\n".join(parts.lines), re.MULTILINE)
    assert len(exported) == 4
    terminal.environ |= dict(exported)
    return parts


@pytest.mark.timeout(300)
def test_break_it(terminal: Terminal) -> None:
    services, definitions, *experiments = shell_blocks(BREAK_IT)
    assert services.startswith("make parts ")
    start_parts(terminal)
    ports = terminal.ports
    backend = f"http://127.0.0.1:{ports['8001']}"
    terminal.environ |= {"BACKEND_PORT": str(ports["8001"]), "BACKEND_URL": backend}
    started = [terminal.start(line) for line in services.splitlines() if line.startswith(".venv")]
    urls = (f"http://127.0.0.1:{ports['8000']}", backend)
    wait_ready(
        {f"{url}/health/ready": one for url, one in zip(urls, started, strict=True)}, timeout=60
    )
    terminal.define(definitions)
    left = [one for one in experiments if any(one.startswith(start) for start in LEFT_TO_OTHERS)]
    typed = [one for one in experiments if one not in left]
    assert len(left) == len(LEFT_TO_OTHERS)
    assert len(typed) == len(EXPERIMENTS)
    for block, (start, expected) in zip(typed, EXPERIMENTS, strict=True):
        assert block.startswith(start)
        terminal.run(block, expected)


@pytest.mark.timeout(200)
def test_lift_it(terminal: Terminal) -> None:
    parts, worker, shop, install = shell_blocks(LIFT_IT)
    assert parts == "make parts"
    start_parts(terminal)
    running = terminal.start(worker)
    running.wait_for_line("partitions: ", 60)
    assert "order 1" in terminal.run(shop, "order 2")
    running.wait_for_line(r"packed order 1: 3 x tea", 30)
    running.wait_for_line(r"dead letter", 30)
    pinned = (ROOT / "constraints.txt").read_text()
    for package in install.replace("\\\n", " ").split()[4:]:
        assert f"\n{package}==" in pinned
