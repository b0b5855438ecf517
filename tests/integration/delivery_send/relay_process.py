"""A process with nothing but a relay in it, to be killed: arguments DATABASE_URL, KAFKA_BROKER_URL.

Prints each change of its state on a line of its own; the log goes to standard error.
"""

import asyncio
import logging
import sys

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import create_engine
from delivery.sending.relay import Relay


async def main(database_url: str, broker_url: str) -> None:
    kafka = KafkaSettings(kafka_broker_url=broker_url)
    relay = Relay(create_engine(database_url), create_app("sender", kafka, producer_only=True))
    await relay.start()
    said = None
    while True:
        if relay.status.state != said:
            said = relay.status.state
            print(said, flush=True)
        await asyncio.sleep(0.02)


logging.basicConfig(level=logging.INFO)
asyncio.run(main(*sys.argv[1:]))
