"""A process with nothing but a relay in it, to be killed: arguments DATABASE_URL, KAFKA_BROKER_URL.

Prints each state that it enters on a line of its own; the log goes to standard error.
"""

import asyncio
import logging
import sys

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import create_engine
from delivery.sending.relay import Relay


class TellingRelay(Relay):
    """Looking at `status` now and then would miss a state that a quick machine soon leaves."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "_state" and value != getattr(self, name, None):
            print(value, flush=True)
        super().__setattr__(name, value)


async def main(database_url: str, broker_url: str) -> None:
    kafka = KafkaSettings(kafka_broker_url=broker_url)
    app = create_app("sender", kafka, producer_only=True)
    await TellingRelay(create_engine(database_url), app).start()
    await asyncio.Event().wait()


logging.basicConfig(level=logging.INFO)
asyncio.run(main(*sys.argv[1:]))
