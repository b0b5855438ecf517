"""What a run is measured by: answers, CPU per request split by process, memory.

CPU times are user plus system of whole process trees, read before and after; memory is the
resident set of the largest process of a tree, in MB (10^6 bytes), which is what "MB a process" in
the goals means.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
import psutil
from loadtest.bench.generator import Load, Result

from embedded.processes import Process


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


class Progress:
    """How fast something counts up to `total`, after the first tenth (or 10,000) and up to the last
    twentieth: neither the start of a process nor a rebalance is part of that, nor the last page.

    `cpu_us` is what the processes of `pids` took per unit in that time, `memory` what each of them
    held at each look. `seconds` bounds the time. Raises RuntimeError when one of `running` ends.
    """

    def __init__(
        self,
        done: Callable[[], int],
        total: int,
        pids: Mapping[str, int],
        *,
        running: Sequence[Process] = (),
        seconds: float = 600.0,
    ) -> None:
        inside: list[tuple[float, int]] = []
        usage = Usage(pids)
        self.memory: list[dict[str, float]] = []
        given_up = time.monotonic() + 600
        while True:
            at, count = time.monotonic(), done()
            self.memory.append(usage.memory())
            if count >= min(0.1 * total, 10_000):
                if not inside:
                    usage = Usage(pids)
                inside.append((at, count))
            if count >= 0.95 * total or (inside and at - inside[0][0] >= seconds):
                break
            if gone := [process for process in running if not process.running]:
                raise RuntimeError(f"{gone[0].name} ended: {gone[0].last_words()}")
            if at > given_up:
                raise TimeoutError(f"{count} of {total} after 600 s")
            time.sleep(0.25)
        if len(inside) < 2:
            raise ValueError(f"{total} is too little to be measured")
        (began, first), (ended, last) = inside[0], inside[-1]
        self.per_second = (last - first) / (ended - began)
        self.cpu_us = usage.per(last - first)
