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

TIMEOUT: Final = 0.8
"""Seconds for the whole call; the promise is one."""

logger = logging.getLogger(__name__)


class BackendError(Exception):
    """Backend answered, and not with a list of entries."""


class _Entry(msgspec.Struct):
    book_id: int


_PATH: Final[str] = list_books._get_kwargs(ids="")["url"]
_entries: Final = msgspec.json.Decoder(list[msgspec.Raw])
_entry: Final = msgspec.json.Decoder(_Entry)


class DetailsSource:
    """Asks backend; owns the transport."""

    def __init__(
        self,
        base_url: str,
        transport: httpx.AsyncBaseTransport,
        timeout: float = TIMEOUT,
        circuit: Circuit | None = None,
    ) -> None:
        self._url = httpx.URL(base_url.rstrip("/") + _PATH)
        self._transport = transport
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
        await self._transport.aclose()

    async def _ask(self, ids: Sequence[int]) -> Mapping[int, msgspec.Raw]:
        # The client's own parsing makes an object of each entry, with its dates, to be encoded
        # again: ten times the work of passing the JSON on. And httpx's client, which looks at each
        # character of a URL, for redirects and for cookies, costs more than all the rest of a call:
        # its transport and the ``target`` of a request are the way around.
        asked = list_books._get_kwargs(ids=",".join(map(str, ids)))
        target = self._url.raw_path + b"?" + urlencode(asked["params"], safe=",").encode()
        response = await self._transport.handle_async_request(
            httpx.Request(
                asked["method"], self._url, extensions={"url_template": _PATH, "target": target}
            )
        )
        content = await response.aread()
        if response.status_code != httpx.codes.OK:
            raise BackendError(f"backend answered {response.status_code}")
        return {_entry.decode(raw).book_id: raw for raw in _entries.decode(content)}

    def _note_failure(self, error: Exception) -> None:
        was_open = self._circuit.is_open
        self._circuit.failed()
        if self._circuit.is_open and not was_open:
            reason = str(error) or type(error).__name__
            logger.warning("backend is away, books come without details: %s", reason)
