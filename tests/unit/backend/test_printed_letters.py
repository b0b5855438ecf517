"""What a stranger wrote into a dead letter does nothing to the operator's terminal."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from backend.commands import letters
from delivery.dead_letters.letters import letter_of
from delivery.dead_letters.store import Filter
from delivery.dead_letters.story import PREFIX
from delivery.kafka.records import Metadata

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\nbook_ingestion/0/1  new"


class Pool:
    """Has one dead letter, every text of which is a stranger's."""

    def __init__(self) -> None:
        story = {
            "topic": "book_ingestion",
            "partition": "1",
            "offset": "2",
            "timestamp": "1",
            "group": EVIL,
            "error-type": EVIL,
            "error-message": EVIL,
            "attempts": "1",
            "failed-at": NOW.isoformat(),
        }
        headers = [(EVIL, EVIL.encode()), ("redriven-from", EVIL.encode())]
        headers += [(PREFIX + name, value.encode()) for name, value in story.items()]
        place = Metadata("book_ingestion.dlq", 0, 1, EVIL.encode(), NOW, tuple(headers))
        letter: Any = letter_of(EVIL.encode(), place)
        names = letter.__struct_fields__
        self.row = {name: getattr(letter, name) for name in names} | {
            "state": "new",
            "state_at": NOW,
            "redriven_to": None,
            "again": EVIL,
        }

    async def fetch(self, *_: Any) -> list[Any]:
        return [self.row]

    async def fetchrow(self, *_: Any) -> Any:
        return self.row

    async def fetchval(self, *_: Any) -> int:
        return 1


@pytest.mark.parametrize("command", ["list", "show"])
async def test_no_text_of_a_dead_letter_reaches_the_terminal_as_it_is(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parts: Any = SimpleNamespace(engine=SimpleNamespace(pool=Pool()))
    if command == "list":
        await letters.show_list(parts, Filter(), 10)
    else:
        await letters.show_one(parts, "book_ingestion/1/2")
    printed = capsys.readouterr().out
    assert "owned" in printed
    assert all(char.isprintable() or char == "\n" for char in printed)
    assert not [line for line in printed.splitlines() if line.startswith("book_ingestion/0/1")]
