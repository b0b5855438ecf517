"""Each command with compose that is written down, and what compose itself says that it starts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.making import ROOT, copy_of_infra, make

from embedded.native.linters import compose

PARTS = {"postgres", "kafka"}
SYSTEM = {"bookapp", "backend", *PARTS, "collector", "tempo", "loki", "prometheus", "grafana"}
SENTRY = {"bugsink", "bugsink-project"}
STARTS = {
    "make up": SYSTEM,
    "make up WITH=load": SYSTEM | {"load"},
    "make up WITH=sentry": SYSTEM | SENTRY,
    'make up WITH="load sentry"': SYSTEM | SENTRY | {"load"},
    "docker compose up": SYSTEM,
    "docker compose --profile load up": SYSTEM | {"load"},
    "docker compose --profile ci up": PARTS,
    "docker compose -f compose.yaml -f compose.sentry.yaml up": SYSTEM | SENTRY,
    "docker compose -f compose.yaml -f compose.docker-stats.yaml up": SYSTEM,
    "docker compose -f compose.yaml -f compose.tail-sampling.yaml up": SYSTEM,
}
"""What each command that is written down starts."""

CHANGES = {
    "make up WITH=load": set(),
    "make up WITH=sentry": {"bookapp", "backend"},  # they report to it
    "docker compose -f compose.yaml -f compose.docker-stats.yaml up": {"collector"},
    "docker compose -f compose.yaml -f compose.tail-sampling.yaml up": {"collector"},
}
"""What of a system that runs each command makes anew: what it gives another configuration."""

WRITTEN = re.compile(
    r'make up WITH="[^"]+"|make up(?: WITH=\w+)?|docker compose (?:(?:-f|--profile) \S+ )*up\b'
)
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "Makefile")),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "infra").glob("compose*.yaml"),
    ROOT / "infra" / ".env.example",
]

DOCKER = """\
#!{python}
import os, sys
words = sys.argv[2:]
words[words.index("up"):] = ["config", "--hash=*"]
os.execv("{compose}", ["docker-compose", *words])
"""
"""Says of `docker compose ... up` what it would start, each with the hash of its configuration."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose `docker` starts nothing, with the passwords that `make up` writes."""
    directory = tmp_path_factory.mktemp("clone")
    copy_of_infra(directory)
    programs = directory / "programs"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER.format(python=sys.executable, compose=compose()))
    (programs / "docker").chmod(0o755)
    done = make("infra/.env", directory=directory)
    assert done.returncode == 0, done.stdout
    return directory


def started(clone: Path, command: str) -> dict[str, str]:
    """The services that a command starts, as typed in the clone or in its infra/, with hashes."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=clone if command.startswith("make") else clone / "infra",
        env={"PATH": f"{clone / 'programs'}:/usr/bin:/bin", "HOME": str(clone)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^(\S+) ([0-9a-f]{64})$", done.stdout, re.MULTILINE))


def test_the_table_has_every_command_that_is_written_down() -> None:
    written = {found for page in PAGES for found in WRITTEN.findall(page.read_text())}
    assert written == STARTS.keys()


@pytest.mark.parametrize("command", STARTS)
def test_a_command_starts_what_the_table_says(clone: Path, command: str) -> None:
    assert started(clone, command).keys() == STARTS[command]


@pytest.mark.parametrize("command", CHANGES)
def test_a_command_leaves_alone_what_runs_already(clone: Path, command: str) -> None:
    plain, more = started(clone, "make up"), started(clone, command)
    assert {name for name, made in plain.items() if more[name] != made} == CHANGES[command]
