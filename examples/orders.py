"""A service that packs what was ordered, built from ``telemetry`` and ``delivery`` alone.

    faust -A examples.orders worker

Traced, logged, with retries and dead letters. docs/lift-it.md goes through it line by line.
"""

import logging
import os

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.receiving import PermanentError, Stream
from examples.records import ORDERS, Order
from telemetry import SettingsError, configure, read_settings, read_telemetry_settings

logger = logging.getLogger(__name__)


try:
    telemetry = configure(read_telemetry_settings(os.environ, "orders"))
    app = create_app("orders", read_settings(KafkaSettings, os.environ))
except SettingsError as error:
    raise SystemExit(f"orders: {error}") from None


@app.agent(app.topic(ORDERS))
async def pack(orders: Stream[Order]) -> None:
    """Pack each order. One may come again after a crash: do what can be done twice."""
    async for order in orders:
        if order.quantity < 1:
            raise PermanentError("an order of nothing")  # a dead letter at once, without retries
        logger.info("packed order %d: %d x %s", order.number, order.quantity, order.item)
