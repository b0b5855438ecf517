"""Why the worker is not ready, by part: ``database``, ``kafka`` or ``circuit``."""

from contracts.problems import FieldError
from contracts.records import BookRecord
from delivery.postgres import Database
from delivery.receiving import Agent


class Readiness:
    """Asks the database and the agent."""

    def __init__(self, database: Database, agent: Agent[BookRecord]) -> None:
        self._database = database
        self._agent = agent

    async def __call__(self) -> list[FieldError]:
        """What keeps the worker from its work just now; empty when nothing does."""
        missing = []
        if reason := await self._database.why_unready():
            missing.append(FieldError("database", reason))
        if not (status := self._agent.status).ready:
            part = "circuit" if status.state == "stopped" else "kafka"
            missing.append(FieldError(part, status.reason or status.state))
        return missing
