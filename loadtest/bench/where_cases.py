"""Where bookapp's time goes: its CPU time per request, by part, traced and not."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
from loadtest.bench.generator import Load
from loadtest.bench.http_cases import WARM, cases, caught_up
from loadtest.bench.measure import Usage, run_load
from loadtest.bench.parts import Parts
from loadtest.bench.results import Share
from loadtest.bench.sampled import Seen, shares
from loadtest.bench.variants import OURS, OURS_UNTRACED, Running, running

from embedded.waiting import wait_until

CONNECTIONS = 32


def run(parts: Parts, *, seconds: float) -> Iterator[Share]:
    """Every kind of request, with one worker."""
    for variant in (OURS_UNTRACED, OURS):
        file = parts.directory / f"{variant.name}.seen"
        with (
            parts.sink() as sink,
            running(parts, variant, sink if variant.traced else None, sampled=file) as service,
        ):
            for case in cases():
                load = Load(
                    url=service.url, connections=CONNECTIONS, requests=case.requests, seconds=WARM
                )
                run_load(load)
                before, usage = _seen(service, file), Usage(service.pids)
                result = run_load(msgspec.structs.replace(load, seconds=seconds))
                each = usage.per(result.answers)["bookapp"]
                for part, share in shares(before, _seen(service, file)).items():
                    yield Share(
                        case=case.name, variant=variant.name, part=part, cpu_us=share * each
                    )
            wait_until(lambda: caught_up(parts), 300, interval=0.5, what="all records' effect")


def _seen(service: Running, file: Path) -> Seen:
    """Ask for what was seen so far."""
    number = _read(file).number if file.exists() else 0
    os.kill(service.pids["bookapp"], signal.SIGUSR2)
    wait_until(lambda: file.exists() and _read(file).number > number, 10, what="the sampler")
    return _read(file)


def _read(file: Path) -> Seen:
    return msgspec.json.decode(file.read_bytes(), type=Seen)
