"""What the two examples agree on: one kind of record, and the topic that carries it."""

import msgspec

from delivery.topics import json_topic


class Order(msgspec.Struct, frozen=True):
    """Somebody bought something. The key is the order's number, in decimal."""

    number: int
    item: str
    quantity: int


ORDERS = json_topic("orders", Order, key=lambda order: order.number)
