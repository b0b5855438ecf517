"""The load: clients that add, change, remove and read books, and write down what they are told.

Each has books of its own, which nobody else changes, so it knows what a read must answer; a few
books are changed by all of them at once. Adds carry an Idempotency-Key and are tried again until
they are answered; nothing else that changes something is tried twice, because a late first try
could undo what came between.
"""

import asyncio
import itertools
import random
import time
import uuid
from collections.abc import Sequence
from typing import Any

import httpx
from loadtest.chaos.ledger import Ledger, NewBook, Request

SHARED = range(1, 6)
"""Books of the first migration that all clients change."""
STATUSES = ("available", "borrowed", "lost")
AUTHORS = ("Ursula K. Le Guin", "Gabriel García Márquez", "Anna Seghers", "莫言", "Chinua Achebe")
_TIMEOUT_S = 5.0
"""Short, as a user's patience: what comes too late has its effect while others go on."""
_THINK_S = (0.02, 0.12)
_RETRY_S = 0.3
_GIVE_UP_S = 120.0
"""Seconds after the end of the load in which an add must have been answered."""


class Client:
    """One client. ``run`` ends when told so by ``stop``, and what it began is answered."""

    def __init__(self, number: int, seed: int, urls: Sequence[str], ledger: Ledger) -> None:
        self._number = number
        self._random = random.Random(f"{seed} {number}")
        self._urls = urls
        self._ledger = ledger
        self._marks = itertools.count(1)
        self._mine: dict[int, NewBook | None] = {}  # None: what it is now is not certain
        self._stopped = asyncio.Event()
        self._deadline = float("inf")

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped.set()
        self._deadline = time.monotonic() + _GIVE_UP_S

    async def run(self) -> None:
        """Ask for one thing after the other."""
        actions = [self._add, self._bulk_add, self._change, self._change_shared, self._remove]
        weights = [25, 5, 30, 10, 8]
        reads = [self._read, self._list]
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as self._http:
            while not self._stopped.is_set():
                (action,) = self._random.choices([*actions, *reads], [*weights, 18, 4])
                await action()
                await asyncio.sleep(self._random.uniform(*_THINK_S))

    # -- what it asks for

    def _new(self) -> NewBook:
        title = f"{self._number}-{next(self._marks)} {self._random.choice('ÄßçΩ語🙂')}"
        return NewBook(title, self._random.choice(AUTHORS), self._random.choice(STATUSES))

    async def _add(self) -> None:
        book = self._new()
        await self._add_all(Request(kind="add", books=(book,)), "/books/add", _body(book))

    async def _bulk_add(self) -> None:
        books = tuple(self._new() for _ in range(self._random.randint(2, 30)))
        bodies = [_body(book) for book in books]
        await self._add_all(Request(kind="bulk_add", books=books), "/books/bulk_add", bodies)

    async def _add_all(self, request: Request, path: str, body: object) -> None:
        self._ledger.open(request)
        key = str(uuid.UUID(int=self._random.getrandbits(128)))
        while time.monotonic() < self._deadline:
            answer = await self._try("POST", path, body, {"Idempotency-Key": key})
            if isinstance(answer, httpx.Response) and answer.status_code < 500:
                if answer.status_code != 201:
                    return self._wrong(request, answer)
                ids = answer.json()
                request.ids = (ids,) if isinstance(ids, int) else tuple(ids)
                request.settle("accepted")
                self._mine |= dict(zip(request.ids, request.books, strict=True))
                return None
            self._ledger.retried += 1
            await asyncio.sleep(_RETRY_S)
        return None

    async def _change(self) -> None:
        if self._mine:
            await self._change_book(self._random.choice(list(self._mine)))

    async def _change_shared(self) -> None:
        await self._change_book(self._random.choice(SHARED))

    async def _change_book(self, book_id: int) -> None:
        fresh = self._new()
        status = fresh.status if self._random.random() < 0.5 else None
        request = Request(kind="change", book_id=book_id, title=fresh.title, status=status)
        self._ledger.open(request)
        body = {"title": request.title} | ({} if status is None else {"status": status})
        known = self._mine.pop(book_id, None)
        answer = await self._try("PATCH", f"/books/{book_id}", body)
        if answer is None:
            request.settle("refused")
        elif isinstance(answer, httpx.Response) and answer.status_code < 500:
            if answer.status_code != 200 or answer.json()["title"] != request.title:
                return self._wrong(request, answer)
            request.settle("accepted")
            if known is not None:
                known = NewBook(request.title, known.author, status or known.status)
        else:
            known = None
        if book_id not in SHARED:
            self._mine[book_id] = known
        return None

    async def _remove(self) -> None:
        if len(self._mine) < 5:
            return None
        book_id = self._random.choice(list(self._mine))
        del self._mine[book_id]  # whatever comes of it
        request = self._ledger.open(Request(kind="remove", book_id=book_id))
        answer = await self._try("DELETE", f"/books/{book_id}")
        if answer is None:
            request.settle("refused")
        elif isinstance(answer, httpx.Response) and answer.status_code < 500:
            if answer.status_code != 204:
                return self._wrong(request, answer)
            request.settle("accepted")
        return None

    async def _read(self) -> None:
        if not self._mine:
            return
        book_id = self._random.choice(list(self._mine))
        known = self._mine[book_id]
        answer = await self._try("GET", f"/books/{book_id}")
        if not isinstance(answer, httpx.Response) or answer.status_code >= 500:
            return
        if answer.status_code != 200 or (
            known and answer.json() != {"id": book_id, **_body(known)}
        ):
            what = f"GET /books/{book_id}: {answer.status_code} {answer.text}, expected {known}"
            self._ledger.wrong_answers.append(what)

    async def _list(self) -> None:
        limit = self._random.choice((1, 10, 100))
        answer = await self._try("GET", f"/books?limit={limit}")
        if not isinstance(answer, httpx.Response) or answer.status_code >= 500:
            return
        if answer.status_code != 200 or len(answer.json()) != limit:
            what = f"GET /books?limit={limit}: {answer.status_code} {answer.text[:200]}"
            self._ledger.wrong_answers.append(what)

    # -- how

    async def _try(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response | httpx.HTTPError | None:
        """One try at one of the processes: its answer, the error, or None when nobody listened."""
        ledger = self._ledger
        ledger.tries += 1
        url = self._random.choice(self._urls) + path
        try:
            answer = await self._http.request(method, url, json=body, headers=headers)
        except httpx.ConnectError:
            ledger.unanswered += 1
            await asyncio.sleep(_RETRY_S)
            return None
        except httpx.HTTPError as error:
            ledger.unanswered += 1
            return error
        if answer.is_success:
            ledger.answered.append(time.time())
        elif answer.status_code >= 500:
            ledger.unanswered += 1
            if answer.status_code != 503:  # a fault is said to be one: 503, with Retry-After
                ledger.wrong_answers.append(
                    f"{method} {path}: {answer.status_code} {answer.text[:200]}"
                )
            await asyncio.sleep(_RETRY_S)
        return answer

    def _wrong(self, request: Request, answer: httpx.Response) -> None:
        request.settle("refused")
        what = f"{request.kind} of {request.book_id or request.books[0].title}"
        self._ledger.wrong_answers.append(f"{what}: {answer.status_code} {answer.text[:200]}")


def _body(book: NewBook) -> dict[str, str]:
    return {"title": book.title, "author": book.author, "status": book.status}
