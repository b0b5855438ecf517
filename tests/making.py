"""`make`, as the tests call it: with the environment that runs them, which is not made anew."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded.services import bare_environment

ROOT = Path(__file__).parents[1]


def copy_of_infra(directory: Path) -> None:
    """Makefile and infra/ as in a new clone, where `make up` has not written its passwords yet."""
    left_out = shutil.ignore_patterns("__pycache__", ".env")
    shutil.copytree(ROOT / "infra", directory / "infra", ignore=left_out)
    shutil.copy(ROOT / "Makefile", directory)


def command(target: str, *arguments: str, directory: Path = ROOT) -> list[str]:
    """The words of `make target` in that directory; what is installed counts as up to date."""
    old = ["setup", f"{sys.prefix}/.bench", f"{sys.prefix}/.maintain"]
    return [
        *("make", "--no-print-directory", *(f"--old-file={one}" for one in old)),
        *("-C", str(directory), f"VENV={sys.prefix}", target, *arguments),
    ]


def make(
    target: str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    directory: Path = ROOT,
    timeout: float = 110,
) -> subprocess.CompletedProcess[str]:
    """Run a target to its end, with both outputs in `stdout`. Raises TimeoutExpired."""
    return subprocess.run(
        command(target, *arguments, directory=directory),
        env={**bare_environment(os.environ), **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
