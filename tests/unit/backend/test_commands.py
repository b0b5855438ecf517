"""The operator's command line: what is refused before anything is touched, and what help says."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backend.commands.dead_letters import dead_letters_command
from backend.commands.parts import Parts
from backend.commands.replay import replay_command
from delivery.commands.program import _asked
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import create_engine


def run(*arguments: str) -> Result:
    """A command's end; Kafka and PostgreSQL are nowhere, and there is no terminal."""
    telemetry: Any = SimpleNamespace(shutdown=lambda: None)
    parts = Parts(
        KafkaSettings(kafka_broker_url="127.0.0.1:1"),
        create_engine("postgresql://127.0.0.1:1/none"),
        telemetry,
    )
    commands = {"replay": replay_command(parts), "dead-letters": dead_letters_command(parts)}
    name, *rest = arguments
    return CliRunner().invoke(commands[name], rest)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("replay --offset 7", "one --partition"),
        ("replay --partition 1 --partition 2 --offset 7", "one --partition"),
        ("replay --partition one", "one"),
        ("replay --since soon", "10m"),
        ("replay --from yesterday", "2026-11-23"),
        ("replay --since 1h --from 2026-01-01", "not both"),
        ("replay --from 2026-01-02 --until 2026-01-01", "not later"),
        ("replay --trace xyz", "32"),
        ("replay --type lost", "removed"),
        ("replay --limit 0", "1 or more"),
        ("replay --print --handle", "choose one"),
        ("replay --dry-run --publish x", "choose one"),
        ("replay --apply", "--handle"),
        ("replay --rebuild --key 7", "whole topic"),
        ("replay --rebuild", "--yes"),
        ("replay --handle --apply", "--yes"),
        ("replay --publish x", "--yes"),
        ("dead-letters redrive", "say which"),
        ("dead-letters redrive --all --error X", "say which"),
        ("dead-letters redrive --all a/1/2", "say which"),
        ("dead-letters redrive --all", "--yes"),
        ("dead-letters discard", "say which"),
        ("dead-letters discard a/1/2", "--yes"),
        ("dead-letters show", "ID"),
        ("dead-letters list --state old", "redriven"),
        ("dead-letters restore", "ID"),
    ],
)
def test_wrong_arguments_or_nobody_to_ask_end_with_2_and_a_line_that_says_why(
    arguments: str, said: str
) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert said in result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("replay", "Kafka is away"),
        ("replay --handle", "Kafka is away"),
        ("replay --rebuild --yes", "PostgreSQL is away"),
        ("dead-letters list", "PostgreSQL is away"),
        ("dead-letters redrive --all --yes", "PostgreSQL is away"),
        ("dead-letters redrive --all --to elsewhere --yes", "PostgreSQL is away"),
        ("dead-letters restore a/1/2", "PostgreSQL is away"),
    ],
)
def test_what_is_away_is_one_line_and_status_1(arguments: str, said: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert said in line


PRINTS_FOR_EVER = """
import click
from delivery.commands.program import Program
async def work():
    while True:
        click.echo("a line")
async def without_pool(_, work):
    return await work()
Program._with_pool = without_pool
try:
    Program(None, (), "").run("list", work)
except click.ClickException as error:
    error.show()
    raise SystemExit(error.exit_code)
"""


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PRINTS_FOR_EVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        assert command.stdout.readline() == b"a line\n"
        command.stdout.close()
        assert command.stderr.read() == b""
    assert command.returncode == 141


def raised_in(module: str, error: Exception) -> Exception:
    """The error, as code of this module would raise it."""
    try:
        exec("raise error", {"__name__": module, "error": error})
    except TimeoutError as caught:
        return caught
    raise AssertionError


@pytest.mark.parametrize(
    ("module", "who"),
    [
        ("asyncpg.pool", "PostgreSQL"),
        ("delivery.postgres.pool", "PostgreSQL"),
        ("aiokafka.client", "Kafka"),
        ("delivery.replay.reading", "Kafka"),
        ("elsewhere", "Kafka or PostgreSQL"),
    ],
)
def test_who_did_not_answer_in_time_is_named(module: str, who: str) -> None:
    assert _asked(raised_in(module, TimeoutError())) == who


@pytest.mark.parametrize(
    "arguments",
    ["replay", "dead-letters list", "dead-letters redrive", "dead-letters discard"],
)
def test_help_says_what_is_touched(arguments: str) -> None:
    result = run(*arguments.split(), "--help")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 100
    assert "ouche" in result.output or "stays" in result.output
