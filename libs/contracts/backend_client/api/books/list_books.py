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
from ...types import UNSET, Unset
from typing import cast

_DECODERS: dict[int, msgspec.json.Decoder[Any]] = {
    200: msgspec.json.Decoder(list[CatalogueEntry]),
    400: msgspec.json.Decoder(Problem),
    408: msgspec.json.Decoder(Problem),
    431: msgspec.json.Decoder(Problem),
    500: msgspec.json.Decoder(Problem),
    503: msgspec.json.Decoder(Problem),
}


def _get_kwargs(
    base_url: httpx.URL,
    *,
    ids: None | str | Unset = UNSET,
    after: int | Unset = 0,
    until: int | Unset = 9223372036854775807,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_ids: None | str | Unset
    if isinstance(ids, Unset):
        json_ids = UNSET
    else:
        json_ids = ids
    params["ids"] = json_ids

    params["after"] = after

    params["until"] = until

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    path = "/books" + "?" + urlencode(params, safe=",")
    return {
        "method": "get",
        "url": base_url.copy_with(raw_path=base_url.raw_path[:-1] + path.encode()),
        "extensions": {"url_template": "/books"},
    }


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | list[CatalogueEntry]]:
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
    ids: None | str | Unset = UNSET,
    after: int | Unset = 0,
    until: int | Unset = 9223372036854775807,
) -> Response[Problem | list[CatalogueEntry]]:
    """The catalogue entries of the books asked for

     One entry for each of the books that has one, ordered by id; the others are absent. Of
    all books, or of these `ids`, those above `after` up to `until`; at most 1000.

    Args:
        ids (None | str | Unset): Ids of books, in decimal, with commas between them.
        after (int | Unset): Only books with an id above this one. Default: 0.
        until (int | Unset): No book with an id above this one. Default: 9223372036854775807.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | list[CatalogueEntry]]
    """

    http = client.get_httpx_client()
    asked = _get_kwargs(
        http.base_url,
        ids=ids,
        after=after,
        until=until,
    )
    response = http.request(**asked)
    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    ids: None | str | Unset = UNSET,
    after: int | Unset = 0,
    until: int | Unset = 9223372036854775807,
) -> Problem | list[CatalogueEntry] | None:
    """The catalogue entries of the books asked for

     One entry for each of the books that has one, ordered by id; the others are absent. Of
    all books, or of these `ids`, those above `after` up to `until`; at most 1000.

    Args:
        ids (None | str | Unset): Ids of books, in decimal, with commas between them.
        after (int | Unset): Only books with an id above this one. Default: 0.
        until (int | Unset): No book with an id above this one. Default: 9223372036854775807.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | list[CatalogueEntry]
    """

    return sync_detailed(
        client=client,
        ids=ids,
        after=after,
        until=until,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    ids: None | str | Unset = UNSET,
    after: int | Unset = 0,
    until: int | Unset = 9223372036854775807,
) -> Response[Problem | list[CatalogueEntry]]:
    """The catalogue entries of the books asked for

     One entry for each of the books that has one, ordered by id; the others are absent. Of
    all books, or of these `ids`, those above `after` up to `until`; at most 1000.

    Args:
        ids (None | str | Unset): Ids of books, in decimal, with commas between them.
        after (int | Unset): Only books with an id above this one. Default: 0.
        until (int | Unset): No book with an id above this one. Default: 9223372036854775807.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | list[CatalogueEntry]]
    """

    http = client.get_async_httpx_client()
    asked = _get_kwargs(
        http.base_url,
        ids=ids,
        after=after,
        until=until,
    )
    response = await http.request(**asked)
    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    ids: None | str | Unset = UNSET,
    after: int | Unset = 0,
    until: int | Unset = 9223372036854775807,
) -> Problem | list[CatalogueEntry] | None:
    """The catalogue entries of the books asked for

     One entry for each of the books that has one, ordered by id; the others are absent. Of
    all books, or of these `ids`, those above `after` up to `until`; at most 1000.

    Args:
        ids (None | str | Unset): Ids of books, in decimal, with commas between them.
        after (int | Unset): Only books with an id above this one. Default: 0.
        until (int | Unset): No book with an id above this one. Default: 9223372036854775807.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | list[CatalogueEntry]
    """

    return (
        await asyncio_detailed(
            client=client,
            ids=ids,
            after=after,
            until=until,
        )
    ).parsed
