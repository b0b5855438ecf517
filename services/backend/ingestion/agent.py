"""The agent that keeps the read model: what comes on the topic is catalogued and kept."""

from collections.abc import Awaitable, Callable

from backend.ingestion.handler import Ingestion
from contracts.records import BookRecord
from contracts.topics import BOOK_INGESTION
from delivery.application import App
from delivery.receiving import Agent, RetryPolicy, Stream

Processor = Callable[[BookRecord], Awaitable[BookRecord]]


def catalogue_agent(
    app: App, ingestion: Ingestion, processor: Processor, policy: RetryPolicy
) -> Agent[BookRecord]:
    """The worker's agent; every record passes the processor first."""
    book_ingestion = app.topic(BOOK_INGESTION)

    @app.agent(book_ingestion, name="catalogue", policy=policy)
    async def catalogue(records: Stream[BookRecord]) -> None:
        """Keep each book's newest state, with its catalogue entry, in the read model."""
        records.add_processor(processor)
        async for batch in records.take_events(128, within=0):
            await ingestion.handle_many([(event.value, event.message) for event in batch])

    return catalogue
