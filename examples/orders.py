"""A service that packs what was ordered, built from ``telemetry`` and ``delivery`` alone.

    faust -A examples.orders worker

Traced, logged, with retries and dead letters. docs/lift-it.md goes through it line by line.
"""

import logging
import os

from delivery.application import create_app
from delivery.kafka.records import Metadata
from delivery.kafka.settings import KafkaSettings
from delivery.receiving.consumer import PermanentError, consume
from examples.records import ORDERS, Order
from telemetry import SettingsError, TelemetrySettings, configure, read_settings

logger = logging.getLogger(__name__)


async def pack(order: Order, metadata: Metadata) -> None:
    """Pack one order. It may come again after a crash: do what can be done twice."""
    if order.quantity < 1:
        raise PermanentError("an order of nothing")  # a dead letter at once, without retries
    logger.info("packed order %d: %d x %s", order.number, order.quantity, order.item)


try:
    telemetry = configure(
        read_settings(TelemetrySettings, os.environ, {"OTEL_SERVICE_NAME": "orders"})
    )
    app = create_app("orders", read_settings(KafkaSettings, os.environ))
except SettingsError as error:
    raise SystemExit(f"orders: {error}") from None

consume(app, ORDERS, pack)
