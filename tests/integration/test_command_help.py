"""What a command does is said to whoever asks, also where nothing is set."""

import os
import subprocess
import sys

import pytest

from embedded.services import bare_environment

WORKER = ["faust", "-A", "backend.app"]
COMMANDS = [
    ["bookapp"],
    ["bookapp.migrate"],
    ["bookapp.lift"],
    ["bookapp.outbox"],
    *(["bookapp.outbox", each] for each in ("list", "show", "retry", "discard")),
    ["backend.migrate"],
    WORKER,
    *([*WORKER, each] for each in ("worker", "replay", "ignored", "dead-letters")),
    *(
        [*WORKER, "dead-letters", each]
        for each in ("list", "show", "redrive", "discard", "restore")
    ),
]


def run(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**bare_environment(os.environ), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_needs_no_setting(command: list[str]) -> None:
    said = run(*command, "--help")
    assert said.returncode == 0, said.stderr
    assert said.stdout.lower().startswith("usage:")
    assert said.stderr == ""


def test_help_is_there_also_where_a_setting_is_wrong() -> None:
    said = run(*WORKER, "replay", "--help", DATABASE_URL="mysql://", KAFKA_BROKER_URL=":")
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize(
    "command",
    [
        ["bookapp.migrate"],
        ["bookapp.lift"],
        ["bookapp.outbox", "list"],
        ["backend.migrate"],
        [*WORKER, "dead-letters", "list"],
    ],
    ids=" ".join,
)
def test_without_settings_a_command_ends_in_one_line_that_names_the_missing_one(
    command: list[str],
) -> None:
    said = run(*command)
    assert said.returncode in {1, 2}
    (line,) = said.stderr.splitlines()
    assert "DATABASE_URL" in line
