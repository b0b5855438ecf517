"""Keeps aiokafka from filling the log while Kafka is away.

It writes several lines for each of its tries, ten times a second and more. Whether Kafka is there
is said once by ``delivery.kafka.availability``; of aiokafka's own lines each sort comes once in a
while, and those for its developers never: they hold the records' keys and values.
"""

import logging
from typing import Final

_EVERY_S: Final = 30.0


class OncePerWhile(logging.Filter):
    """Lets a message through again only after some time; messages differ by their template."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one is to be written."""
        if record.levelno <= logging.DEBUG:
            return False
        sort = (record.name, str(record.msg))
        last = self._last.get(sort)
        if last is not None and record.created - last < _EVERY_S:
            return False
        self._last[sort] = record.created
        return True


_FILTER: Final = OncePerWhile()


def quieten_aiokafka() -> None:
    """For every logger that aiokafka has by now; more than once does no harm."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "aiokafka":
            logging.getLogger(name).addFilter(_FILTER)
