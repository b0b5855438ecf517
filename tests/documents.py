"""Runs a page's shell blocks as its reader would: in order, each with what went before it.

A block that no test types says in a comment before it what runs it, and why not a page's test:

    <!-- run by tests/stack/test_outages.py: it kills a process -->
"""

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.making import ROOT, command

from embedded.processes import Process
from embedded.services import bare_environment

SHELL = re.compile(
    r"(make|\.venv/bin/\S+|curl|add|rule|kill|printf|pip|export|faust|python|git|docker|kubectl"
    r"|# paste)\b"
)
BLOCK = re.compile(
    r"(?:^<!-- run by (?P<by>[^:\n]+): (?P<why>.+?) -->\n)?"
    r"(?:^\n|\A)(?P<text>(?:^ {4}.*\n(?:^\n(?=^ {4}))?)+)",
    re.MULTILINE,
)
TYPED = ("README.md", "docs/break-it.md", "docs/lift-it.md", "docs/operations.md")
"""The pages whose blocks are typed, by tests/integration/test_documents_run.py."""


class Block(NamedTuple):
    """An indented block, without its indentation. ``by``: what runs it, when no page test does."""

    text: str
    by: tuple[str, ...]
    why: str


def blocks(page: Path) -> list[Block]:
    """All of a page's indented blocks."""
    return [
        Block(
            re.sub(r"^ {4}", "", found["text"], flags=re.M).strip("\n"),
            tuple((found["by"] or "").split(", ")) if found["by"] else (),
            found["why"] or "",
        )
        for found in BLOCK.finditer(page.read_text())
    ]


def shell_blocks(page: Path) -> list[str]:
    """Those that are commands for a test to type."""
    return [block.text for block in blocks(page) if SHELL.match(block.text) and not block.by]


class Terminal:
    """A shell in a clone.

    ``ports`` has what to listen on in place of the page's port numbers, ``here`` what else is
    another here than on the page (an id, a password). Its keyboard says "y" to each question.
    """

    def __init__(self, ports: dict[str, int]) -> None:
        self.ports = ports
        self.here: dict[str, str] = {}
        self.status = 0
        """How the last command ended."""
        self._before = ""
        self.environ = bare_environment(os.environ)
        self._started: list[Process] = []

    def _as_here(self, block: str) -> str:
        for theirs, ours in self.here.items():
            block = block.replace(theirs, ours)
        for theirs, port in self.ports.items():
            block = re.sub(rf"(?<![\d.]){theirs}\b", str(port), block)
        block = re.sub(r"^make (\S+)", " ".join(command(r"\1")), block, flags=re.M)
        return re.sub(r"\.venv/bin/|^(?=python )", f"{sys.prefix}/bin/", block, flags=re.M)

    def define(self, block: str) -> None:
        """Type what later blocks use."""
        self._before += self._as_here(block) + "\n"

    def start(self, line: str) -> Process:
        """Run one line in a terminal of its own."""
        words = ["bash", "-c", f"exec {self._as_here(line)}"]
        process = Process(line.split("#")[0].strip(), words, env=self.environ, cwd=ROOT)
        self._started.append(process)
        return process

    def run(self, block: str, expected: str, seconds: float = 120) -> str:
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
        keyboard, stdin = pty.openpty()
        try:
            os.write(keyboard, b"y\n" * 9)
            done = subprocess.run(
                ["bash", "-c", self._before + self._as_here(block)],
                cwd=ROOT,
                env=self.environ,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )
        finally:
            os.close(keyboard)
            os.close(stdin)
        self.status = done.returncode
        return done.stdout

    def close(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self._started):
            process.stop()
