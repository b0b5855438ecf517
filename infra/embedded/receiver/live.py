"""Says that something changed to whoever listens, some times a second at most."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from litestar.exceptions import HTTPException

from embedded.receiver import limits
from embedded.receiver.kept.store import Store

_GATHERED = 0.05
"""Seconds that changes are gathered for."""
_RETRY = b"retry: 1500\n\n"
"""Milliseconds until a browser asks again for a stream that it has lost."""
_SILENCE = 10.0
"""Seconds until a comment says that the receiver is still there."""


class Live:
    """The open streams of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listening: set[asyncio.Event] = set()
        self._ended = False
        store.changed = self._changed

    def close(self) -> None:
        """End all streams: a server waits for its connections before it stops."""
        self._ended = True
        self._changed()

    def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events with the store's versions: one at once, then one for each change.

        Raises HTTPException, a 503, when too many are open.
        """
        if len(self._listening) >= limits.STREAMS:
            raise HTTPException("too many streams are open", status_code=503)
        changed = asyncio.Event()
        changed.set()
        self._listening.add(changed)
        return self._events(changed)

    async def _events(self, changed: asyncio.Event) -> AsyncIterator[bytes]:
        try:
            yield _RETRY
            while not self._ended:
                try:
                    async with asyncio.timeout(_SILENCE):
                        await changed.wait()
                except TimeoutError:
                    yield b": nothing new\n\n"
                    continue
                changed.clear()
                yield b"event: change\ndata: %b\n\n" % msgspec.json.encode(self._store.versions)
                await asyncio.sleep(_GATHERED)
        finally:
            self._listening.discard(changed)

    def _changed(self) -> None:
        for changed in self._listening:
            changed.set()
