"""Runs a Python module and looks, every millisecond of its CPU time, at what it is doing.

    python -m loadtest.bench.sampled FILE bookapp

On SIGUSR2 it writes to FILE how often each part was seen so far (a `Seen`, as JSON). A look costs a
few microseconds, so what is measured is hardly slower; a profiler that counts calls would charge
those who make many. What a library of C or Python's own does is its nearest known caller's.
"""

import os
import runpy
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import msgspec

EVERY_S = 0.001
PARTS = {
    "opentelemetry": "OpenTelemetry's SDK",
    "telemetry.otlp": "encoding spans",
    "telemetry": "our telemetry",
    "uvicorn": "uvicorn, with the socket",
    "serving": "uvicorn, with the socket",
    "litestar": "Litestar",
    "asyncpg": "asyncpg, with the socket",
    "httpx": "httpx, with the socket",
    "httpcore": "httpx, with the socket",
    "aiokafka": "aiokafka",
    "bookapp": "the service",
    "contracts": "the service",
    "delivery": "the service",
    "error_injection": "the service",
}
"""What the table calls the packages; the longest name that fits counts."""
OTHER_THREADS = "other threads (exporters, Kafka)"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Looks so far, by part, and CPU seconds of the main thread and of the whole process."""

    number: int
    looks: dict[str, int]
    main_s: float
    process_s: float


class Sampler:
    """Counts until the process ends; signals reach the main thread, so that is what it sees."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._looks: Counter[str] = Counter()
        self._main_s = 0.0
        self._number = 0
        self._known: dict[str, str | None] = {}

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._look)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.signal(signal.SIGUSR2, self._write)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def _look(self, _: int, frame: FrameType | None) -> None:
        before, self._main_s = self._main_s, time.thread_time()
        if self._main_s - before < EVERY_S / 2:
            return  # the time was another thread's
        while frame is not None:
            part = self._part(frame.f_globals.get("__name__", ""))
            if part is not None:
                self._looks[part] += 1
                return
            frame = frame.f_back
        self._looks["Python and uvloop"] += 1

    def _part(self, module: str) -> str | None:
        if module not in self._known:
            name = module
            while name and name not in PARTS:
                name = name.rpartition(".")[0]
            self._known[module] = PARTS.get(name)
        return self._known[module]

    def _write(self, *_: object) -> None:
        self._number += 1
        seen = Seen(
            number=self._number,
            looks=dict(self._looks),
            main_s=time.thread_time(),
            process_s=time.process_time(),
        )
        new = self._file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(seen))
        os.replace(new, self._file)


def shares(before: Seen, after: Seen) -> dict[str, float]:
    """The share of the process's CPU time that each part had between two writings, largest first.

    Raises ValueError when there was nothing to be seen.
    """
    looks = Counter(after.looks) - Counter(before.looks)
    process = after.process_s - before.process_s
    if not looks or process <= 0:
        raise ValueError("nothing was seen")
    main = min(1.0, (after.main_s - before.main_s) / process)
    found = {part: main * count / looks.total() for part, count in looks.most_common()}
    return {**found, OTHER_THREADS: 1 - main}


if __name__ == "__main__":
    Sampler(Path(sys.argv[1])).start()
    sys.argv = sys.argv[2:]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)  # Python gives up its handlers before it ends
