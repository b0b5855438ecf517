"""bookapp's database is restored from a backup, while topic and read model go on: what is ignored
is found, and the way back leads back."""

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from embedded.services import bare_environment
from embedded.stack import DATABASE, Stack, StackSettings
from embedded.waiting import wait_until

WITHIN = 60.0


@pytest.fixture
def stack() -> Iterator[Stack]:
    settings = StackSettings(environment=bare_environment(os.environ), fsync=False)
    with Stack(settings) as running:
        yield running


class Library:
    """Both APIs, and the two tables that are to agree."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        url = f"{self._stack.bookapp_url}{path}"
        return httpx.request(method, url, json=body, timeout=30, trust_env=False).raise_for_status()

    def add(self, title: str) -> int:
        return int(self.call("POST", "/books/add", {"title": title, "author": "A"}).json())

    def sql(self, statement: str) -> str:
        return self._stack.postgres.execute(statement, DATABASE)

    def agree(self) -> bool:
        """Whether the read model shows exactly bookapp's books, as they are."""
        mine = self.sql("SELECT id, title, status, sequence FROM public.books ORDER BY 1")
        theirs = self.sql(
            "SELECT book_id, title, status, sequence FROM backend.book WHERE NOT removed ORDER BY 1"
        )
        return mine == theirs

    def wait_until_they_agree(self) -> None:
        wait_until(self.agree, WITHIN, what="the read model's agreement")


def lift(stack: Stack) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bookapp.lift"],
        env={
            **bare_environment(os.environ),
            "DATABASE_URL": stack.database_url,
            "KAFKA_BROKER_URL": stack.kafka_broker_url,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_after_a_restore_what_is_ignored_is_listed_and_the_way_back_leads_back(
    stack: Stack, tmp_path
) -> None:
    library = Library(stack)
    changed, removed = library.add("Changed"), library.add("Removed")
    library.wait_until_they_agree()
    assert lift(stack).startswith("bookapp: 0 books are published once more, and 0 as removed")

    backup = tmp_path / "backup"
    tools = stack.postgres.psql.parent
    dump = ["-n", "public", "-Fc", "-f", backup, "-d", stack.database_url]
    subprocess.run([tools / "pg_dump", *dump], check=True, timeout=60)

    for number in range(3):
        library.call("PATCH", f"/books/{changed}", {"title": f"Before the restore {number}"})
    library.call("DELETE", f"/books/{removed}")
    lost = [library.add(f"Lost {number}") for number in range(3)]
    library.wait_until_they_agree()

    stack.bookapp.stop()
    restore = ["--clean", "--if-exists", "-d", stack.database_url, backup]
    subprocess.run([tools / "pg_restore", *restore], check=True, timeout=60)
    stack.restart_bookapp()

    library.call("PATCH", f"/books/{changed}", {"title": "After the restore"})
    again = library.add("Another book with an id that was given before")
    assert again == lost[0]
    wait_until(
        lambda: library.sql("SELECT count(DISTINCT book_id) FROM backend.ignored_change") == "2",
        WITHIN,
        what="the changes that were ignored",
    )
    assert not library.agree()

    said = lift(stack)
    assert said.startswith("bookapp: 3 books are published once more, and 2 as removed"), said
    library.wait_until_they_agree()
    assert lift(stack).startswith("bookapp: 0 books are published once more, and 0 as removed")

    assert library.add("A new one") > lost[-1]
    library.call("PATCH", f"/books/{changed}", {"status": "lost"})
    library.call("DELETE", f"/books/{again}")
    library.wait_until_they_agree()
    open_ones = "SELECT count(*) FROM backend.ignored_change i JOIN backend.book b USING (book_id)"
    assert library.sql(f"{open_ones} WHERE b.event_id = i.applied_event_id") == "0"
