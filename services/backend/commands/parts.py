"""What the commands are given by the composition root."""

from collections.abc import Awaitable, Callable
from typing import NoReturn

import msgspec

from backend.database import APPS, MIGRATE
from delivery.commands.program import Program
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import Engine
from delivery.replay.reading import Missing
from delivery.replay.rebuild import Empty
from delivery.replay.shadow import Busy, Changed
from telemetry import Telemetry


class Parts(msgspec.Struct, frozen=True):
    """Settings and parts; nothing is connected to before a command runs."""

    kafka: KafkaSettings
    engine: Engine
    telemetry: Telemetry


def run(parts: Parts, name: str, work: Callable[[], Awaitable[int]]) -> NoReturn:
    """Run a command's work, and end the process; ``work`` returns how many records failed."""
    Program(
        parts.engine,
        APPS,
        MIGRATE,
        expected=(Missing, Busy, Changed, Empty),
        finish=parts.telemetry.shutdown,
    ).run(name, work)
