"""One request and its answer: uvicorn's cycle, with a body that is counted and a quiet end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from serving.limits import Limits
from serving.load import Load
from serving.refusal import Refusal, Refused

_ROOM: Final = 256 * 1024
"""Bytes for which room is taken at a time for a body of unknown length."""

_NO_ROOM: Final = Refusal(503, "There are too many large bodies just now.")


class Cycle(RequestResponseCycle):
    """Adds what the protocol needs to know of it.

    ``begun`` is when its header was complete, on the load's clock. ``allowed`` are the bytes that
    its body may grow to without asking for more room.
    """

    load: Load
    begun: float
    allowed: int
    received: int = 0
    task: "asyncio.Task[None] | None" = None
    _taken: int = 0

    def admit(self, limits: Limits) -> None:
        """Take room for a body whose length is announced (``allowed``), before it is read.

        Raises:
            Refused: it is too large, or there is no room.
        """
        if self.allowed > limits.body:
            raise _too_large(limits)
        self._take(self.allowed - limits.small_body)

    def grow(self, limits: Limits) -> None:
        """Take room for what has been received of a body of unknown length.

        Raises:
            Refused: it is too large, or there is no room.
        """
        while self.received > self.allowed:
            more = min(_ROOM, limits.body - self.allowed)
            if more <= 0:
                raise _too_large(limits)
            self._take(more)
            self.allowed += more

    def _take(self, size: int) -> None:
        if not self.load.take(size):
            raise Refused(_NO_ROOM)
        self._taken += size

    def release(self) -> None:
        """Give back the room of the body."""
        if self._taken:
            self.load.give_back(self._taken)
            self._taken = 0

    def send(self, message: Any) -> Coroutine[Any, Any, None]:
        """uvicorn's. ASGI keeps the head back until the first part of the body: so does this."""
        if message["type"] == "http.response.start":
            self.transport.hold_next()  # type: ignore[attr-defined]  # the protocol's Way
        return super().send(message)

    async def run_asgi(self, app: Any) -> None:
        """Call the application. A request that is cancelled, at a stop, ends without a word."""
        try:
            result = await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            self.transport.close()
        except BaseException as error:  # as uvicorn does
            self.logger.error("Exception in ASGI application", exc_info=error)
            await self._fail()
        else:
            if result is not None:
                self.logger.error("ASGI callable should return None, but returned '%s'.", result)
                self.transport.close()
            elif not self.response_complete and not self.disconnected:
                self.logger.error("ASGI callable returned without completing response.")
                await self._fail()
        finally:
            self.release()
            self.on_response = _nothing

    async def _fail(self) -> None:
        if self.response_started:
            self.transport.close()
        else:
            await self.send_500_response()


def _too_large(limits: Limits) -> Refused:
    return Refused(Refusal(413, f"The body is over {limits.body} bytes."))


def _nothing() -> None:
    """The response is complete, and nobody waits for it any more."""
