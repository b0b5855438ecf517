"""Failures on purpose in backend: rules for its endpoints, and for the records of its topic."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from litestar import Router

from contracts.problems import documented
from contracts.records import BookRecord
from contracts.topics import BOOK_INGESTION
from delivery.receiving import PermanentError
from error_injection import (
    RecordInjection,
    Rules,
    RuleStore,
    RuleTable,
    error_injection_routes,
)
from error_injection.tables import TABLE

TOPICS: Final[Sequence[str]] = (BOOK_INGESTION.name,)
"""What a rule may name instead of an endpoint."""


class ErrorInjectionConfig(RuleTable, tablename=TABLE):
    """Rules for backend's endpoints and for its topic."""


def admin_routes(admin_token: str | None) -> Router:
    """/error-injection, which asks for the token when there is one."""
    return error_injection_routes(
        RuleStore(ErrorInjectionConfig),
        admin_token=admin_token,
        documented=documented,
        topics=TOPICS,
    )


def failing_records(rules: Rules) -> Callable[[BookRecord], Awaitable[BookRecord]]:
    """The processor of the stream in which a rule that names the topic has its effect."""
    injection = RecordInjection(rules, fatal=PermanentError)

    async def inject(record: BookRecord) -> BookRecord:
        await injection.before(record.event_id, BOOK_INGESTION.name)
        return record

    return inject
