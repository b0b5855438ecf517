"""backend with an agent that takes one record at a time, an upsert each.

The same service, with the same effect; only `take` is left out. Run by
`faust -A loadtest.bench.one_by_one worker`.
"""

import backend.ingestion
from backend.ingestion import Ingestion
from backend.ingestion.agent import Processor
from contracts.records import BookRecord
from contracts.topics import BOOK_INGESTION
from delivery.application import App
from delivery.receiving import Agent, RetryPolicy, Stream


def catalogue_agent(
    app: App, ingestion: Ingestion, processor: Processor, policy: RetryPolicy
) -> Agent[BookRecord]:
    """In the place of backend's own."""

    @app.agent(app.topic(BOOK_INGESTION), name="catalogue", policy=policy)
    async def catalogue(records: Stream[BookRecord]) -> None:
        records.add_processor(processor)
        async for event in records.events():
            await ingestion.handle(event.value, event.message)

    return catalogue


backend.ingestion.catalogue_agent = catalogue_agent

from backend.app import app  # noqa: E402 - after the substitution

__all__ = ["app"]
