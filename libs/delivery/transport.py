"""Faust's Kafka transport with the guarantees that this library promises, under its own scheme.

It joins the two sides, which do not know each other: ``kafka.clients.producer`` never loses what it
accepted, ``receiving.consumer`` never commits past a record whose effect is not durable.
"""

from typing import Any, ClassVar, Final

from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver

from delivery.kafka.clients.producer import Producer
from delivery.receiving.consumer import Consumer

SCHEME: Final = "delivery"


class Transport(driver.Transport):
    """The transport of applications made by ``delivery.application.create_app``."""

    Producer: ClassVar[Any] = Producer
    Consumer: ClassVar[Any] = Consumer


TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
