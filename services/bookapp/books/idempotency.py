"""``Idempotency-Key``: a client that lost the answer may ask again, and adds nothing twice.

The key's row (``tables.IdempotencyKey``) is written by the statement that adds the books, so a key
is used if and only if its books are there. It holds what was added, not the answer's bytes, and a
fingerprint of the request, because a key says "the same request again" and nothing else.

A key is kept for a day at least; ``expire`` removes older ones by an index on their time.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_409_CONFLICT

from bookapp.books.schemas import NewBook
from bookapp.books.tables import IdempotencyKey

KEPT: Final = dt.timedelta(days=1)
EXPIRE_EVERY: Final = 600.0  # seconds


class KeyReused(HTTPException):
    """The key came before, with a different request: 409."""

    status_code = HTTP_409_CONFLICT
    detail = "This Idempotency-Key was used for a different request; take a new one."


class Token(msgspec.Struct, frozen=True):
    """A key, and what distinguishes its request from any other."""

    key: str
    fingerprint: bytes


def token(key: str | None, operation: str, books: Sequence[NewBook]) -> Token | None:
    """The token of a request that has a key. What the books come to counts, not how the JSON was
    written."""
    if key is None:
        return None
    content = msgspec.json.encode((operation, books))
    return Token(key, hashlib.sha256(content).digest())


async def find(token: Token) -> list[int] | None:
    """The ids that this key's request got; None for a new key. Raises ``KeyReused``."""
    row = (
        await IdempotencyKey.select(IdempotencyKey.fingerprint, IdempotencyKey.book_ids)
        .where(IdempotencyKey.key == token.key)
        .first()
    )
    if row is None:
        return None
    if bytes(row["fingerprint"]) != token.fingerprint:
        raise KeyReused
    ids: list[int] = row["book_ids"]
    return ids


async def keep(token: Token, ids: list[int]) -> None:
    """Keep the ids that this key's request gets, in the transaction that is open.

    Raises:
        asyncpg.UniqueViolationError: the key is there; one that is being written is waited for.
    """
    await IdempotencyKey.insert(
        IdempotencyKey(key=token.key, fingerprint=token.fingerprint, book_ids=ids)
    )


async def expire() -> None:
    """Remove the keys that are older than ``KEPT``."""
    oldest = dt.datetime.now(dt.UTC) - KEPT
    await IdempotencyKey.delete().where(IdempotencyKey.created_at < oldest)
