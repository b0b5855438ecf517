"""The read model from the topic, on an Apache Kafka and beside a worker that goes on."""

import signal
import subprocess
from typing import Any

from contracts.codec import encode
from contracts.records import BookRemoved, BookUpdated, key_of
from contracts.topics import BOOK_INGESTION
from embedded.testing import poll_until

TOPIC = BOOK_INGESTION.name


async def test_a_rebuild_beside_a_worker_that_goes_on_gives_what_the_worker_has(
    system: Any, record: Any
) -> None:
    columns = (
        "book_id, title, author, status, shelf_mark, author_sort, title_sort, sequence, removed,"
        " trace_id"
    )
    for book_id in range(1_000, 3_000):
        one = record(book_id)
        system.producer.produce(TOPIC, encode(one), key_of(one))
        if book_id % 3 == 0:
            later = record(book_id, 2, BookRemoved if book_id % 2 else BookUpdated, title="Later")
            system.producer.produce(TOPIC, encode(later), key_of(later))
    assert system.producer.flush(30) == 0
    await system.settled()
    live = await system.fetch(f"SELECT {columns} FROM backend.book ORDER BY book_id")
    await system.fetch("CREATE ROLE reader_of_books")
    await system.fetch("GRANT SELECT ON backend.book TO reader_of_books")
    await system.fetch("DELETE FROM backend.book WHERE book_id % 7 = 0")
    await system.fetch(
        "UPDATE backend.book SET title = 'wrong', sequence = 99 WHERE book_id % 5 = 0"
    )
    refused = system.run("replay", "--rebuild")
    assert refused.returncode == 2

    stop = system.start_publishing(4_000)
    try:
        answer = system.run("replay", "--rebuild", "--yes")
    finally:
        last = stop()
    assert answer.returncode == 0, answer.stderr
    offsets = await system.settled()
    rebuilt = await system.fetch(
        f"SELECT {columns} FROM backend.book WHERE book_id < 4000 ORDER BY book_id"
    )
    assert rebuilt == live
    ids = await system.fetch("SELECT book_id FROM backend.book WHERE book_id >= 4000 ORDER BY 1")
    assert [row["book_id"] for row in ids] == list(range(4_000, last + 1))
    assert last > 4_010
    assert await system.fetch("SELECT to_regclass('backend.book_shadow') IS NULL AS gone") == [
        {"gone": True}
    ]
    (index,) = await system.fetch("SELECT indexname FROM pg_indexes WHERE tablename = 'book'")
    assert index["indexname"] == "book_pkey"
    assert await system.fetch(
        "SELECT has_table_privilege('reader_of_books', 'backend.book', 'SELECT') AS may"
    ) == [{"may": True}]
    await system.fetch("DROP OWNED BY reader_of_books")
    await system.fetch("DROP ROLE reader_of_books")
    assert system.offsets() == offsets


async def test_a_killed_rebuild_leaves_the_live_table_and_the_next_one_succeeds(
    system: Any,
) -> None:
    await system.settled()
    before = await system.fetch("SELECT * FROM backend.book ORDER BY book_id")
    process = system.begin(
        "replay", "--rebuild", "--yes", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    async def begun() -> bool:
        (row,) = await system.fetch("SELECT to_regclass('backend.book_shadow') IS NOT NULL AS is")
        return bool(row["is"])

    await poll_until(begun, 30, interval=0.005, what="the shadow table")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert await system.fetch("SELECT * FROM backend.book ORDER BY book_id") == before
    answer = system.run("replay", "--rebuild", "--yes")
    assert answer.returncode == 0, answer.stderr
    after = await system.fetch("SELECT * FROM backend.book ORDER BY book_id")
    assert [{**row, "ingested_at": None} for row in after] == [
        {**row, "ingested_at": None} for row in before
    ]
