"""A disk that is full, for real: a small file system under PostgreSQL, or under Kafka."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.native.kafka import Kafka
from embedded.postgres import Postgres
from embedded.processes import StartError
from embedded.waiting import wait_until

from .conftest import WITHIN, SmallDisk, a_system

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def small_kafka(small_disk: SmallDisk) -> Iterator[Kafka]:
    """A Kafka with its data on the small disk."""
    small = {"log.index.size.max.bytes": "65536", "log.segment.bytes": str(4 << 20)}
    with Kafka(data_dir=small_disk.path / "kafka", properties=small) as broker:
        yield broker


def test_kafkas_disk_is_full_requests_do_not_notice_and_all_follows(
    small_kafka: Kafka, small_disk: SmallDisk
) -> None:
    with a_system(small_kafka) as books:
        ids = books.add(10)
        books.wait_ingested(ids)
        small_disk.fill()
        for _ in range(10):
            began = time.monotonic()
            ids += books.add(20)
            assert time.monotonic() - began < 5
        wait_until(lambda: "kafka" in books.unready(), WITHIN, what="backend says what it lacks")
        assert books.bookapp_is_ready()
        # Kafka ends itself when it cannot write; an operator makes room and starts it.
        wait_until(lambda: not small_kafka.process.running, WITHIN, what="the end of Kafka")
        ids += books.add(20)
        small_disk.free()
        small_kafka.start()
        books.wait_ingested(ids)
        wait_until(lambda: not books.unready(), WITHIN, what="backend is ready again")
        assert books.dead_letters() == 0


@pytest.fixture
def broker() -> Iterator[Kafka]:
    with Kafka() as running:
        yield running


def move(part: Path, small_disk: SmallDisk) -> None:
    """Let a directory of PostgreSQL's lie on the small disk."""
    there = small_disk.path / part.name
    owner = part.stat()
    shutil.move(part, there)
    part.symlink_to(there)
    subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", there], check=True)


def data_directory(postgres: Postgres) -> Path:
    return Path(postgres.execute("SHOW data_directory"))


def test_postgresqls_disk_is_full_for_its_tables_and_it_says_503_until_there_is_room(
    broker: Kafka, small_disk: SmallDisk
) -> None:
    with a_system(broker) as books:
        ids = books.add(10)
        books.wait_ingested(ids)
        postgres = books.stack.postgres
        tables = data_directory(postgres) / "base"
        postgres.stop()
        move(tables, small_disk)
        postgres.start()
        wait_until(lambda: books.try_to_add()[0].status_code == 201, WITHIN, what="an add")
        small_disk.fill()

        def full() -> bool:
            answer, seconds = books.try_to_add()
            assert answer.status_code in (201, 503), answer.text
            assert seconds < 5
            if answer.status_code == 201:
                ids.append(answer.json())
                return False
            assert int(answer.headers["retry-after"]) > 0
            return True

        wait_until(full, WITHIN, interval=0.0, what="the tables are full")
        small_disk.free()
        wait_until(lambda: books.try_to_add()[0].status_code == 201, WITHIN, what="an add")
        ids += books.add(50)
        books.wait_ingested(ids)
        assert books.dead_letters() == 0


def test_postgresqls_disk_is_full_for_its_log_and_nothing_accepted_is_lost(
    broker: Kafka, small_disk: SmallDisk
) -> None:
    """It ends itself (PANIC) and cannot start before there is room."""
    with a_system(broker) as books:
        ids = books.add(10)
        postgres = books.stack.postgres
        postgres.execute("ALTER SYSTEM SET max_wal_size = '32MB'")
        postgres.execute("ALTER SYSTEM SET min_wal_size = '32MB'")
        log = data_directory(postgres) / "pg_wal"
        postgres.stop()
        move(log, small_disk)
        postgres.start()
        wait_until(lambda: books.try_to_add()[0].status_code == 201, WITHIN, what="an add")
        small_disk.fill()

        def ended() -> bool:
            body = [{"title": "T" * 500, "author": "A" * 500}] * 100
            answer = books.post("/books/bulk_add", body)
            assert answer.status_code in (201, 503), answer.text
            ids.extend(answer.json() if answer.status_code == 201 else [])
            return not postgres.process.running

        # It has no room for a record, recovers, has no room for the next file either, and gives up.
        wait_until(ended, WITHIN, interval=0.0, what="the end of PostgreSQL")
        assert not books.bookapp_is_ready()
        with pytest.raises(StartError, match="No space left on device"):
            postgres.start()
        small_disk.free()
        postgres.start()
        wait_until(books.bookapp_is_ready, WITHIN, what="bookapp is ready again")
        ids += books.add(50)
        for start in range(0, len(ids), 500):
            books.wait_ingested(ids[start : start + 500])
        assert books.dead_letters() == 0
