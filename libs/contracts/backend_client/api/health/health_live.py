from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import msgspec

from ... import errors
from ...client import AuthenticatedClient, Client
from ...types import UNSET, Response, Unset
from ...models.health import Health
from ...models.problem import Problem
from typing import cast

_DECODERS: dict[int, msgspec.json.Decoder[Any]] = {
    200: msgspec.json.Decoder(Health),
    400: msgspec.json.Decoder(Problem),
    408: msgspec.json.Decoder(Problem),
    431: msgspec.json.Decoder(Problem),
    500: msgspec.json.Decoder(Problem),
    503: msgspec.json.Decoder(Problem),
}


def _get_kwargs(
    base_url: httpx.URL,
) -> dict[str, Any]:

    path = "/health/live"
    return {
        "method": "get",
        "url": base_url.copy_with(raw_path=base_url.raw_path[:-1] + path.encode()),
        "extensions": {"url_template": "/health/live"},
    }


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Health | Problem]:
    decoder = _DECODERS.get(response.status_code)
    if decoder is None and client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=None if decoder is None else decoder.decode(response.content),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[Health | Problem]:
    """The process lives

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Health | Problem]
    """

    http = client.get_httpx_client()
    asked = _get_kwargs(
        http.base_url,
    )
    response = http.request(**asked)
    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
) -> Health | Problem | None:
    """The process lives

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Health | Problem
    """

    return sync_detailed(
        client=client,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[Health | Problem]:
    """The process lives

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Health | Problem]
    """

    http = client.get_async_httpx_client()
    asked = _get_kwargs(
        http.base_url,
    )
    response = await http.request(**asked)
    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
) -> Health | Problem | None:
    """The process lives

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Health | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
