"""What backend's catalogue knows of books, for a page of them in one call.

Details are an extra. Backend away, slow or wrong costs a page ``TIMEOUT`` seconds at the most and
never an error; when it stays away, a circuit opens and the pages cost nothing more but for a probe
now and then. Backend is called through its generated client, whose transport carries the trace.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import httpx
import msgspec

from bookapp.books.circuit import Circuit
from contracts.backend_client.api.books import list_books
from contracts.backend_client.client import Client

TIMEOUT: Final = 0.8
"""Seconds for the whole call; the promise is one."""

logger = logging.getLogger(__name__)


class BackendError(Exception):
    """Backend answered, and not with a list of entries."""


class _Entry(msgspec.Struct):
    book_id: int


_entries: Final = msgspec.json.Decoder(list[msgspec.Raw])
_entry: Final = msgspec.json.Decoder(_Entry)


class DetailsSource:
    """Asks backend; owns the client."""

    def __init__(
        self,
        base_url: str,
        transport: httpx.AsyncBaseTransport,
        timeout: float = TIMEOUT,
        circuit: Circuit | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=base_url, transport=transport, timeout=timeout, trust_env=False
        )
        self._client = Client(base_url=base_url).set_async_httpx_client(self._http)
        self._timeout = timeout
        self._circuit = circuit or Circuit()

    async def of(self, ids: Sequence[int]) -> Mapping[int, msgspec.Raw]:
        """Backend's entries, as JSON, of those of these books that it knows. Never fails."""
        if not ids or not self._circuit.allows():
            return {}
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._ask(ids)
        except (httpx.HTTPError, TimeoutError, BackendError, ValueError) as error:
            self._note_failure(error)
            return {}
        if self._circuit.is_open:
            logger.info("backend answers again: books have their details")
        self._circuit.succeeded()
        return found

    async def close(self) -> None:
        """Close the connections to backend."""
        await self._http.aclose()

    async def _ask(self, ids: Sequence[int]) -> Mapping[int, msgspec.Raw]:
        # The client's own parsing makes an object of each entry, with its dates, to be encoded
        # again: ten times the work of passing the JSON on. Request and address are the client's;
        # they become a whole URL here, because httpx looks at each character, and twice if it has
        # to put address and query together.
        request = list_books._get_kwargs(ids=",".join(map(str, ids)))
        query = urlencode(request["params"], safe=",")
        response = await self._client.get_async_httpx_client().request(
            request["method"],
            f"{self._base_url}{request['url']}?{query}",
            extensions={"url_template": request["url"]},
        )
        if response.status_code != httpx.codes.OK:
            raise BackendError(f"backend answered {response.status_code}")
        return {_entry.decode(raw).book_id: raw for raw in _entries.decode(response.content)}

    def _note_failure(self, error: Exception) -> None:
        was_open = self._circuit.is_open
        self._circuit.failed()
        if self._circuit.is_open and not was_open:
            reason = str(error) or type(error).__name__
            logger.warning("backend is away, books come without details: %s", reason)
