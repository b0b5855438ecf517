"""What backend's catalogue knows of books, for a page of them in one call.

Details are an extra. Backend away, slow or wrong costs a page ``TIMEOUT`` seconds at the most and
never an error; when it stays away, a circuit opens and the pages cost nothing more but for a probe
now and then. Backend is called through its generated client, whose transport carries the trace.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

import httpx

from contracts.backend_client import Client
from contracts.backend_client.api.books import list_books
from contracts.backend_client.models import CatalogueEntry
from delivery.circuit import Circuit

TIMEOUT: Final = 0.8
"""Seconds for the whole call; the promise is one."""

logger = logging.getLogger(__name__)


class BackendError(Exception):
    """Backend answered, and not with a list of entries."""


class DetailsSource:
    """Asks backend; owns the client."""

    def __init__(
        self, client: Client, timeout: float = TIMEOUT, circuit: Circuit | None = None
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._circuit = circuit or Circuit()

    async def between(self, first: int, last: int) -> Mapping[int, CatalogueEntry]:
        """Backend's entries of those of a page's books that it knows, by id. ``first`` and ``last``
        are the ids of the first and the last of them. Never fails."""
        if not self._circuit.allows():
            return {}
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._ask(first, last)
        except (httpx.HTTPError, TimeoutError, BackendError, ValueError) as error:
            self._note_failure(error)
            return {}
        if self._circuit.succeeded():
            logger.info("backend answers again: books have their details")
        return found

    async def close(self) -> None:
        """Close the connections to backend."""
        await self._client.get_async_httpx_client().aclose()

    async def _ask(self, first: int, last: int) -> Mapping[int, CatalogueEntry]:
        answer = await list_books.asyncio(client=self._client, after=first - 1, until=last)
        if not isinstance(answer, list):
            raise BackendError(f"backend answered with no list: {answer!r}")
        return {entry.book_id: entry for entry in answer}

    def _note_failure(self, error: Exception) -> None:
        if self._circuit.failed():
            reason = str(error) or type(error).__name__
            logger.warning("backend is away, books come without details: %s", reason)
