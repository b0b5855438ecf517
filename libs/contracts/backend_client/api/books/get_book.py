from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import msgspec

from ... import errors
from ...client import AuthenticatedClient, Client
from ...types import UNSET, Response, Unset
from ...models.catalogue_entry import CatalogueEntry
from ...models.problem import Problem
from typing import cast

_DECODERS: dict[int, msgspec.json.Decoder[Any]] = {
    200: msgspec.json.Decoder(CatalogueEntry),
    400: msgspec.json.Decoder(Problem),
    404: msgspec.json.Decoder(Problem),
    408: msgspec.json.Decoder(Problem),
    431: msgspec.json.Decoder(Problem),
    500: msgspec.json.Decoder(Problem),
    503: msgspec.json.Decoder(Problem),
}


def _get_kwargs(
    base_url: httpx.URL,
    book_id: int,
) -> dict[str, Any]:

    path = "/books/{book_id}".format(
        book_id=quote(str(book_id), safe=""),
    )
    return {
        "method": "get",
        "url": base_url.copy_with(raw_path=base_url.raw_path[:-1] + path.encode()),
        "extensions": {"url_template": "/books/{book_id}"},
    }


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[CatalogueEntry | Problem]:
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
    book_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> Response[CatalogueEntry | Problem]:
    """One book's catalogue entry

    Args:
        book_id (int):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CatalogueEntry | Problem]
    """

    http = client.get_httpx_client()
    asked = _get_kwargs(
        http.base_url,
        book_id=book_id,
    )
    response = http.request(**asked)
    return _build_response(client=client, response=response)


def sync(
    book_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> CatalogueEntry | Problem | None:
    """One book's catalogue entry

    Args:
        book_id (int):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CatalogueEntry | Problem
    """

    return sync_detailed(
        book_id=book_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    book_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> Response[CatalogueEntry | Problem]:
    """One book's catalogue entry

    Args:
        book_id (int):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CatalogueEntry | Problem]
    """

    http = client.get_async_httpx_client()
    asked = _get_kwargs(
        http.base_url,
        book_id=book_id,
    )
    response = await http.request(**asked)
    return _build_response(client=client, response=response)


async def asyncio(
    book_id: int,
    *,
    client: AuthenticatedClient | Client,
) -> CatalogueEntry | Problem | None:
    """One book's catalogue entry

    Args:
        book_id (int):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CatalogueEntry | Problem
    """

    return (
        await asyncio_detailed(
            book_id=book_id,
            client=client,
        )
    ).parsed
