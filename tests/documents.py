"""Runs a page's shell blocks as its reader would: in order, each with what went before it."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.making import ROOT

from embedded.processes import Process
from embedded.services import bare_environment

SHELL = re.compile(r"(make|\.venv/bin/\S+|curl|add|rule|kill|printf|pip|export|faust|# paste)\b")


def shell_blocks(page: Path) -> list[str]:
    """The indented blocks of a page that are commands, without their indentation."""
    blocks = re.findall(r"(?:^\n|\A)((?:^ {4}.*\n(?:^\n(?=^ {4}))?)+)", page.read_text(), re.M)
    plain = (re.sub(r"^ {4}", "", block, flags=re.M).strip("\n") for block in blocks)
    return [block for block in plain if SHELL.match(block)]


class Terminal:
    """A shell in a clone; `ports` has what to listen on in place of the page's port numbers."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.ports = ports
        self._before = ""
        self.environ = bare_environment(os.environ)
        self._started: list[Process] = []

    def _as_here(self, block: str) -> str:
        for theirs, ours in self.ports.items():
            block = re.sub(rf"(?<![\d.]){theirs}\b", str(ours), block)
        return block.replace(".venv/bin/", f"{sys.prefix}/bin/")

    def define(self, block: str) -> None:
        """Type what later blocks use."""
        self._before += self._as_here(block) + "\n"

    def start(self, line: str) -> Process:
        """Run one line in a terminal of its own."""
        words = ["bash", "-c", f"exec {self._as_here(line)}"]
        process = Process(line.split("#")[0].strip(), words, env=self.environ, cwd=ROOT)
        self._started.append(process)
        return process

    def run(self, block: str, expected: str, seconds: float = 40) -> str:
        """Run a block; its last line again until what it prints matches `expected`.

        Raises AssertionError with what it printed.
        """
        deadline = time.monotonic() + seconds
        said = self._bash(block)
        while not re.search(expected, said, re.DOTALL):
            assert time.monotonic() < deadline, f"{block}\nsaid:\n{said}\nand not: {expected}"
            time.sleep(0.3)
            said = self._bash(block.splitlines()[-1])
        return said

    def _bash(self, block: str) -> str:
        done = subprocess.run(
            ["bash", "-c", self._before + self._as_here(block)],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout

    def close(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self._started):
            process.stop()
