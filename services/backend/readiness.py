"""Why the worker is not ready, by part: ``database``, ``kafka`` or ``circuit``."""

from contracts.problems import FieldError
from delivery.postgres import Database
from delivery.receiving.consumer import Consumption


class Readiness:
    """``consumption`` is None in a replica that only serves the API."""

    def __init__(self, database: Database, consumption: Consumption | None) -> None:
        self._database = database
        self._consumption = consumption

    async def __call__(self) -> list[FieldError]:
        """What keeps the worker from its work just now; empty when nothing does."""
        missing = []
        if reason := await self._database.why_unready():
            missing.append(FieldError("database", reason))
        if self._consumption is not None and not (status := self._consumption.status).ready:
            part = "circuit" if status.state == "stopped" else "kafka"
            missing.append(FieldError(part, status.reason or status.state))
        return missing
