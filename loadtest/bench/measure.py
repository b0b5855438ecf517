"""What a run is measured by: answers, CPU per request split by process, memory.

CPU times are user plus system of whole process trees, read before and after; memory is the
resident set of the largest process of a tree, in MB (10^6 bytes), which is what "MB a process" in
the goals means.
"""

import subprocess
import sys
from collections.abc import Mapping

import msgspec
import psutil
from loadtest.bench.generator import Load, Result


class Measurement(msgspec.Struct, kw_only=True):
    """One run of one variant."""

    case: str
    variant: str
    per_second: float
    unit: str = "requests"
    p50_ms: float | None = None
    p99_ms: float | None = None
    errors: int = 0
    cpu_us: dict[str, float] = {}
    """Microseconds of CPU per request or record, by process."""
    memory_mb: dict[str, float] = {}
    spans_expected: int | None = None
    spans_received: int | None = None


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it, without those that ended meanwhile."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(pid: int) -> float:
    """CPU time of a process tree so far, in seconds."""
    total = 0.0
    for process in tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def resident_mb(pid: int) -> float:
    """Resident memory of the largest process of a tree, in MB."""
    sizes = [0.0]
    for process in tree(pid):
        try:
            sizes.append(process.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            continue
    return max(sizes)


class Usage:
    """CPU per unit of work of several process trees, between its making and `per`."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self.pids = dict(pids)
        self.before = {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def per(self, units: int) -> dict[str, float]:
        """Microseconds of CPU per unit since the start, by process tree."""
        return {
            name: (cpu_seconds(pid) - self.before[name]) / max(units, 1) * 1e6
            for name, pid in self.pids.items()
        }

    def memory(self) -> dict[str, float]:
        """Resident MB now, by process tree."""
        return {name: resident_mb(pid) for name, pid in self.pids.items()}


def run_load(load: Load) -> Result:
    """Drive a load from a process of its own. Raises RuntimeError when that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.bench.generator"],
        input=msgspec.msgpack.encode(load),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode().strip().splitlines()[-1])
    return msgspec.json.decode(done.stdout, type=Result)
