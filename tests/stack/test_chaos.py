"""The fault campaign passes on what we ship, and fails on what has a bug: a test of the test."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 400
"""Seconds; a campaign waits for what is slow, and takes about a minute where nothing is."""

pytestmark = pytest.mark.timeout(LIMIT + 30)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "loadtest.chaos", *arguments]


def campaign(directory: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """The exit status, the numbers and the output of one campaign."""
    numbers = directory / "chaos.json"
    done = subprocess.run(
        command(*arguments, "--json", str(numbers), "--logs", str(directory / "logs")),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    said = done.stdout + done.stderr
    assert numbers.exists(), said
    return done.returncode, json.loads(numbers.read_bytes()), said


def test_under_faults_nothing_is_lost_wrong_or_out_of_order(tmp_path: Path) -> None:
    status, numbers, said = campaign(tmp_path, "--short", "--seed", "2")
    assert status == 0, said
    assert numbers["violations"] == []
    assert sum(numbers["faults"].values()) == 9
    assert numbers["requests"]["changes"]["add accepted"] > 0
    assert numbers["requests"]["changes"]["change accepted"] > 0


@pytest.mark.parametrize(
    ("bug", "found"),
    [
        pytest.param("ack", "lost", id="the offset is committed before the effect"),
        pytest.param("outbox", "lost", id="the record is sent outside of the transaction"),
        pytest.param("guard", "wrong", id="nothing is de-duplicated"),
    ],
)
def test_a_planted_bug_is_found(tmp_path: Path, bug: str, found: str) -> None:
    status, numbers, said = campaign(tmp_path, "--plant", bug)
    assert status == 1, said
    assert numbers[found] > 0, said


def test_an_interrupt_ends_everything(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("--minutes", "5"), cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as running:
        try:
            assert running.stdout is not None
            for line in running.stdout:
                if " for " in line:  # a fault
                    break
            family = psutil.Process(running.pid).children(recursive=True)
            assert len(family) > 10
            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 130
        finally:
            running.kill()
    deadline = time.monotonic() + 20
    while left := [one for one in family if one.is_running() and one.status() != "zombie"]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_an_unknown_fault_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        command("--faults", "kafka.burn"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ},
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "kafka.burn" in line
