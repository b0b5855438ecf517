"""What an operator does about records that Kafka refuses for good: `python -m bookapp.outbox`."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from delivery.postgres import Engine
from delivery.sending import queue
from delivery.sending.outbox import Outbox
from embedded.services import bare_environment

from .conftest import described

Command = Callable[..., subprocess.CompletedProcess[str]]
TOO_LARGE = "MessageSizeTooLargeError: 3 MB"


@pytest.fixture
def outbox(postgres_url: str) -> Command:
    """Runs a command; ``answer`` is typed by somebody at a terminal."""

    def run(*arguments: str, answer: str | None = None) -> subprocess.CompletedProcess[str]:
        env = {**bare_environment(os.environ), "DATABASE_URL": postgres_url}
        command = [sys.executable, "-m", "bookapp.outbox", *arguments]
        ours, theirs = pty.openpty()
        try:
            if answer is not None:
                os.write(ours, answer.encode())
            return subprocess.run(
                command,
                env=env,
                text=True,
                stdin=subprocess.DEVNULL if answer is None else theirs,
                capture_output=True,
                timeout=60,
                check=False,
            )
        finally:
            os.close(ours)
            os.close(theirs)

    return run


@pytest.fixture
async def ids(engine: Engine) -> list[int]:
    """Five rows: two parked as too large, one for a topic that there is not, two that wait."""
    async with engine.transaction():
        for key in (b"a", b"b\x1b[2J\n", b"c", b"d", b"e"):
            await Outbox(engine).add(described("books"), b"value of " + key, key=key)
    rows = [row.id for row in await queue.read(engine.pool, [], 10)]
    for row_id in rows[:2]:
        await queue.park(engine.pool, row_id, TOO_LARGE)
    await queue.park(engine.pool, rows[2], "HopelessError: no such \x1b]0;owned\x07 topic")
    return rows


async def states(sql: asyncpg.Connection) -> dict[int, bool]:
    """For each row whether it is parked."""
    found = await sql.fetch("SELECT id, parked_at IS NOT NULL, error FROM outbox ORDER BY id")
    assert all((error is not None) == parked for _, parked, error in found)
    return {row_id: parked for row_id, parked, _ in found}


def test_what_is_parked_is_listed_the_latest_last(outbox: Command, ids: list[int]) -> None:
    done = outbox("list")
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["ID", "TOPIC", "KEY", "SIZE", "PARKED", "AT", "ERROR"]
    assert [int(line.split()[0]) for line in lines] == ids[:3]
    assert lines[0].endswith(TOO_LARGE)
    assert done.stderr == "3 parked rows.\n"
    assert not {"\x1b", "\x07"} & set(done.stdout)

    latest = outbox("list", "--limit", "1")
    assert str(ids[2]) in latest.stdout.splitlines()[1]
    assert latest.stderr == "The latest 1 of 3; --limit shows more.\n"
    of_error = outbox("list", "--error", "MessageSizeTooLargeError", "--topic", "books")
    assert len(of_error.stdout.splitlines()) == 3
    assert len(outbox("list", "--topic", "others").stdout.splitlines()) == 1


def test_all_of_one_is_shown_and_nothing_that_a_terminal_obeys(
    outbox: Command, ids: list[int]
) -> None:
    done = outbox("show", str(ids[1]))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    for said in ("parked since", TOO_LARGE, "books", r"b\x1b[2J\n", r"value of b\x1b[2J\n"):
        assert said in done.stdout
    assert "waits to be sent" in outbox("show", str(ids[4])).stdout


async def test_a_retried_row_waits_to_be_sent_in_its_old_place(
    outbox: Command, ids: list[int], engine: Engine, sql: asyncpg.Connection
) -> None:
    done = outbox("retry", str(ids[1]), "--yes")
    assert (done.returncode, done.stdout) == (0, f"{ids[1]}: will be tried again\n"), done.stderr
    assert [row.id for row in await queue.read(engine.pool, [], 10)] == [ids[1], *ids[3:]]

    again = outbox("retry", str(ids[1]), "--yes")
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing was done" in again.stderr

    done = outbox("retry", "--error", "HopelessError", "--yes")
    assert done.returncode == 0
    assert await states(sql) == {row_id: row_id == ids[0] for row_id in ids}
    assert outbox("retry", "--all", "--yes").returncode == 0
    assert not any((await states(sql)).values())


async def test_a_discarded_row_is_gone_and_only_a_parked_one_can_be(
    outbox: Command, ids: list[int], sql: asyncpg.Connection
) -> None:
    done = outbox("discard", str(ids[0]), str(ids[4]), "--yes")
    assert (done.returncode, done.stdout) == (1, f"{ids[0]}: discarded\n")
    assert f"{ids[4]}: is not parked" in done.stderr
    assert list(await states(sql)) == ids[1:]
    assert outbox("discard", "--all", "--yes").returncode == 0
    assert list(await states(sql)) == ids[3:]


@pytest.mark.parametrize("command", ["show", "retry", "discard"])
def test_a_row_that_there_is_not_is_a_failure_that_is_named(
    command: str, outbox: Command, ids: list[int]
) -> None:
    done = outbox(command, "4711", *([] if command == "show" else ["--yes"]))
    assert done.returncode == 1
    assert done.stderr.startswith("4711: there is no such row in the outbox")


@pytest.mark.parametrize("command", ["retry", "discard"])
async def test_a_question_is_asked_and_a_no_is_one_line(
    command: str, outbox: Command, ids: list[int], sql: asyncpg.Connection
) -> None:
    before = await states(sql)
    done = outbox(command, str(ids[0]), answer="n\n")
    assert done.returncode == 2
    question, said = done.stderr.split(" [y/N]:")  # the answer and its end are the terminal's
    assert question == {
        "retry": "Have 1 parked row sent?",
        "discard": "Discard 1 parked row? The records are deleted and cannot come back.",
    }.get(command)
    assert said == "Error: nothing was changed\n"
    assert await states(sql) == before
    assert outbox(command, str(ids[0]), answer="y\n").returncode == 0
    assert await states(sql) != before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retry"], "say which"),
        (["discard", "--all", "4711"], "say which"),
        (["discard", "--all"], "--yes"),
        (["retry", "--all"], "--yes"),
        (["show", "first"], "integer"),
        (["show", "0"], "0"),
        (["show", str(2**63)], str(2**63)),
        (["list", "--limit", "0"], "0"),
    ],
)
def test_wrong_arguments_or_nobody_to_ask_end_with_2(
    arguments: list[str], said: str, outbox: Command, engine: Engine
) -> None:
    done = outbox(*arguments)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]


def test_a_database_without_tables_is_a_line_that_says_what_to_run(outbox: Command) -> None:
    done = outbox("list")
    assert (done.returncode, done.stderr) == (
        1,
        "Error: the database has not been migrated: python -m bookapp.migrate\n",
    )


def test_a_reader_that_has_seen_enough_is_no_error(
    postgres_url: str, engine: Engine, ids: list[int]
) -> None:
    fill = (
        "import asyncio, asyncpg, sys\n"
        "async def fill():\n"
        "    sql = await asyncpg.connect(sys.argv[1])\n"
        '    await sql.execute("INSERT INTO outbox (topic, key, value, parked_at, error)'
        " SELECT 'books', repeat('k', 30)::bytea, '', now(), 'X: y'"
        ' FROM generate_series(1, 5000)")\n'
        "asyncio.run(fill())"
    )
    subprocess.run([sys.executable, "-c", fill, postgres_url], check=True, timeout=60)
    env: dict[str, Any] = {**bare_environment(os.environ), "DATABASE_URL": postgres_url}
    command = [sys.executable, "-m", "bookapp.outbox", "list", "--limit", "5000"]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b" ")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
