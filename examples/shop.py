"""The sending side: what was sold and the record of it commit together, or not at all.

    echo "3 tea" | python -m examples.shop

Each line of the input is one order. A service keeps its relay running for as long as it lives;
this program ends when Kafka has everything.
"""

import asyncio
import os
import sys

import msgspec
from opentelemetry import trace
from piccolo.columns import Integer, Serial, Text
from piccolo.table import Table

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import close_pool, create_engine, migrate, open_pool
from delivery.sending.outbox import Outbox, OutboxRow
from delivery.sending.relay import Relay
from examples.records import ORDERS, Order
from telemetry import configure, read_settings, read_telemetry_settings
from telemetry.database import TracedConnection


class Settings(msgspec.Struct, frozen=True, rename="upper"):
    """DATABASE_URL, beyond what Kafka's and telemetry's settings read."""

    database_url: str


telemetry = configure(read_telemetry_settings(os.environ, "shop"))
producer = create_app(
    "shop", read_settings(KafkaSettings, os.environ), producer_only=True, topics=[ORDERS]
)
engine = create_engine(read_settings(Settings, os.environ).database_url, TracedConnection)
relay = Relay(engine, producer)
outbox = Outbox(engine, relay.wake)


class Sale(Table, db=engine):
    """What was sold; its id is the order's number."""

    id = Serial(primary_key=True)
    item = Text()
    quantity = Integer()


async def sell(item: str, quantity: int) -> int:
    """Note the sale and have it told, in one transaction; the order's number."""
    with trace.get_tracer(__name__).start_as_current_span("sell"):
        async with engine.transaction():
            (sale,) = await Sale.insert(Sale(item=item, quantity=quantity)).returning(Sale.id)
            order = Order(sale["id"], item, quantity)
            await outbox.add(ORDERS, order)
        outbox.committed()  # wakes the relay, which would look by itself within a second
        return order.number


async def main() -> None:
    await migrate(engine, ["delivery.sending.outbox_app.piccolo_app"])
    await open_pool(engine)
    await Sale.create_table(if_not_exists=True)
    await relay.start()
    for line in sys.stdin:
        quantity, item = line.split(maxsplit=1)
        print(f"order {await sell(item.strip(), int(quantity))}")
    unsent = OutboxRow.count().where(OutboxRow.parked_at.is_null())
    while await unsent:  # noqa: ASYNC110 - the database knows, no event here does
        await asyncio.sleep(0.1)
    await relay.stop()
    await close_pool(engine)


if __name__ == "__main__":
    asyncio.run(main())
