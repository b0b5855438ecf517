"""``python -m bookapp.lift``: after a restore, bring ids and sequences above the topic's, and end.

Needs DATABASE_URL and KAFKA_BROKER_URL of the system. The relay of a running bookapp sends what
this publishes. Any number of runs do what one does.
"""

import asyncio
import os
import sys

import asyncpg
from aiokafka.errors import KafkaError

from bookapp.books.lift import Lifted, lift, newest_of_each
from bookapp.database import create_database
from bookapp.settings import Settings
from contracts.topics import BOOK_INGESTION
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import DatabaseBusy, UnfitDatabase
from delivery.replay.reading import Missing, open_reader
from delivery.replay.selection import Selection
from delivery.sending.outbox import Outbox
from telemetry import SettingsError, read_settings


async def run(settings: Settings, kafka: KafkaSettings) -> Lifted:
    """Read the topic, and lift. Raises what Kafka and PostgreSQL raise."""
    database = create_database(settings)
    await database.open()
    try:
        async with open_reader(kafka, BOOK_INGESTION.name) as reader:
            newest = await newest_of_each(reader.read(await reader.ranges(Selection())))
        return await lift(database.engine, Outbox(database.engine), newest)
    finally:
        await database.close(1.0)


def main() -> int:
    """The exit status: 0 when it is done, 1 when something is away, 2 for a wrong setting."""
    try:
        settings = read_settings(Settings, os.environ)
        kafka = read_settings(KafkaSettings, os.environ)
        done = asyncio.run(run(settings, kafka))
    except SettingsError as error:
        return _say(f"{error}", 2)
    except (
        *(Missing, KafkaError, OSError),
        *(asyncpg.PostgresError, DatabaseBusy, UnfitDatabase),
    ) as error:
        return _say(f"not done: {error}", 1)
    return _say(
        f"{done.changed} books are published once more, and {done.removed} as removed; ids and"
        " sequences go on above the topic's",
        0,
    )


def _say(text: str, status: int) -> int:
    print(f"bookapp: {text}", file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
