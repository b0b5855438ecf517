"""Keeps what is slow to fetch or build, so that the second test run does not wait for it.

Promises: a directory that `provide` returns is complete (it is filled aside, then renamed); two
processes that want the same thing at once fill it once; what a killed process left half-filled is
thrown away by the next one; nothing outside the cache directory is written.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PROJECT = "event-driven-books"


class MissingTool(RuntimeError):
    """A program that the machine must bring is not there; the message says what to install."""


def cache_directory() -> Path:
    """Our folder in the user's cache (XDG_CACHE_HOME, or ~/.cache when it is unset or empty).

    Source: XDG Base Directory Specification, which also says to ignore a relative path.
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = configured if configured.is_absolute() else Path.home() / ".cache"
    return base / PROJECT


def fingerprint(*parts: str) -> str:
    """A short hash of everything that decides the content; a change of it is a new cache entry."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def provide(name: str, key: str, fill: Callable[[Path], None]) -> Path:
    """The directory `name-key`, filled by `fill(directory)` if it is not there yet.

    Blocks while another process fills it. Whatever `fill` raises is passed on, and nothing is kept.
    """
    root = cache_directory()
    root.mkdir(parents=True, exist_ok=True)
    entry = root / f"{name}-{key}"
    if entry.is_dir():
        return entry
    with (root / f"{name}-{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released by the kernel, also when we are killed
        if entry.is_dir():
            return entry
        partial = root / f"{name}-{key}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            fill(partial)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        partial.rename(entry)
    return entry


def tool(program: str, hint: str) -> str:
    """Path of `program` on the PATH.

    Raises MissingTool with `hint`, which says what to install.
    """
    found = shutil.which(program)
    if found is None:
        raise MissingTool(f"{program} was not found: {hint}")
    return found


def run(
    command: Sequence[str | Path],
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    timeout: float = 1800,
) -> str:
    """Runs a build step at low priority and returns its output.

    Raises RuntimeError with the end of the output when the step fails; `timeout` is in seconds.
    """
    done = subprocess.run(
        ["nice", "-n", "5", *map(str, command)],
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        shown = " ".join(map(str, command))
        raise RuntimeError(f"{shown} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout
