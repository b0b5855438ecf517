"""Starts a service the way its users do: as a real process, from its command line.

`faust …` and `bookapp …` run as modules of this very Python, so that nothing depends on PATH.
A service sees only what it is given: of the caller's environment just what Python itself needs,
so that a DATABASE_URL in somebody's shell never reaches the demo or a test.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from embedded.processes import Process, StartError

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
_MODULES = frozenset({"bookapp", "faust", "uvicorn", "locust"})


def bare_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of an environment a Python process needs to run at all; PYTHONPATH made absolute."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    kept |= {name: value for name, value in environ.items() if name.startswith("COVERAGE_")}
    if path := environ.get("PYTHONPATH"):
        kept["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in path.split(os.pathsep))
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def start_service(
    name: str,
    command: Sequence[str],
    env: Mapping[str, str],
    *,
    ready: str | None = None,
    timeout: float = 30.0,
    cwd: str | Path | None = None,
    remove: Sequence[Path] = (),
) -> Process:
    """Start `faust …`, `bookapp …` or any program with exactly this environment.

    With `ready`, a URL, returns once it answers 200. Raises StartError with one line when the
    process ends first or `timeout` seconds are over; then the process is gone as well.
    `cwd` and `remove` are as for `processes.Process`.
    """
    program = [sys.executable, "-m"] if command[0] in _MODULES else []
    process = Process(name, [*program, *command], env=env, cwd=cwd, grace=8.0, remove=remove)
    if ready is not None:
        try:
            wait_ready({ready: process}, timeout)
        except BaseException:
            process.kill()
            raise
    return process


def wait_ready(
    processes: Mapping[str, Process],
    timeout: float,
    progress: Callable[[Process], None] = lambda process: None,
) -> None:
    """Wait until every URL answers 200, telling `progress` each process once it does.

    Raises StartError as soon as one of the processes has ended, or after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    waiting = dict(processes)
    with httpx.Client(timeout=2.0, trust_env=False) as client:
        while waiting:
            for url, process in list(waiting.items()):
                if not process.running:
                    raise StartError(f"{process.name} ended at its start: {process.last_words()}")
                answer = _answer(client, url)
                if answer is None:
                    progress(waiting.pop(url))
                elif time.monotonic() > deadline:
                    raise StartError(
                        f"{process.name} was not ready within {timeout:.0f} s: {url} says {answer}"
                    )
            time.sleep(0.05)


def _answer(client: httpx.Client, url: str) -> str | None:
    """None for 200, otherwise what is the matter, in one line."""
    try:
        response = client.get(url)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    if response.status_code == httpx.codes.OK:
        return None
    return f"{response.status_code} {response.text[:200]}".replace("\n", " ")
