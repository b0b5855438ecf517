"""The sampler of the benchmark: shares of one program's time, by part."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from loadtest.bench.sampled import OTHER_THREADS, Seen, shares

ROOT = Path(__file__).parents[2]
BUSY = """
import json, os, signal, sys, time

def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(100))

burn.__globals__["__name__"] = "litestar.routes"
burn(0.4)
os.kill(os.getpid(), signal.SIGUSR2)
with open(sys.argv[1]) as file:
    print(file.read())
"""


def test_it_charges_the_part_that_is_busy(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    file = tmp_path / "seen"
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.bench.sampled", str(file), "busy", str(file)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    seen = msgspec.convert(json.loads(done.stdout), Seen)
    assert seen.number == 1
    assert seen.looks["Litestar"] > 20  # by the kernel's clock, 100 to 1,000 a second
    assert seen.looks["Litestar"] > 0.5 * sum(seen.looks.values())


def test_shares_are_of_what_came_between_and_leave_other_threads_their_part() -> None:
    before = Seen(number=1, looks={"Litestar": 50}, main_s=1.0, process_s=1.0)
    after = Seen(number=2, looks={"Litestar": 80, "asyncpg": 10}, main_s=1.8, process_s=2.0)
    found = shares(before, after)
    assert found == pytest.approx({"Litestar": 0.6, "asyncpg": 0.2, OTHER_THREADS: 0.2})
    with pytest.raises(ValueError, match="nothing was seen"):
        shares(before, before)
