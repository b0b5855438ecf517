"""``python -m bookapp.lift``: after a restore, bring ids and sequences above the topic's."""

import os

import click

from bookapp.books.lift import lift
from bookapp.database import program
from contracts.codec import decode
from contracts.records import BookRecord
from contracts.topics import BOOK_INGESTION
from delivery.commands.program import Program, of_settings
from delivery.kafka.settings import KafkaSettings
from delivery.replay.newest import newest_of_each
from delivery.replay.reading import open_reader
from delivery.replay.selection import Selection, select
from delivery.sending.outbox import Outbox
from telemetry import read_settings


async def work(program: Program, kafka: KafkaSettings) -> int:
    """Read the topic, and lift. Raises what Kafka and PostgreSQL raise."""
    async with open_reader(kafka, BOOK_INGESTION.name) as reader:
        everything = Selection()
        batches = reader.read(await reader.ranges(everything))
        newest: dict[int, BookRecord] = await newest_of_each(
            select(batches, everything, decode),
            key=lambda record: record.book.id,
            sequence=lambda record: record.sequence,
        )
    done = await lift(program.engine, Outbox(program.engine), newest)
    click.echo(
        f"bookapp: {done.changed} books are published once more, and {done.removed} as removed; ids"
        " and sequences go on above the topic's"
    )
    return 0


@click.command()
def command() -> None:
    """After a restore, bring ids and sequences above the topic's, and end.

    Needs DATABASE_URL and KAFKA_BROKER_URL of the system. The relay of a running bookapp sends what
    this publishes. Any number of runs do what one does.

    Exit status: 0 done, 1 Kafka or PostgreSQL is away, 2 for a wrong setting.
    """
    kafka = of_settings(lambda: read_settings(KafkaSettings, os.environ))
    made = of_settings(program)
    made.run("lift", lambda: work(made, kafka))


if __name__ == "__main__":
    command(prog_name="python -m bookapp.lift")
