"""What clients asked for, and what they were told: the one side of the comparison.

Each title is used once in a campaign, so that a book or a record found anywhere leads back to the
request that it must come from.
"""

import time
from collections.abc import Iterator
from typing import Literal

import msgspec

Outcome = Literal["accepted", "refused", "unknown"]
"""``accepted``: answered 2xx. ``refused``: answered 4xx, or never sent. ``unknown``: no answer, or
5xx, which may hide a commit: the effect may be there or not."""


class NewBook(msgspec.Struct, frozen=True):
    """A book as it is asked for."""

    title: str
    author: str
    status: str


class Request(msgspec.Struct, kw_only=True):
    """One request that changes something, with all of its tries.

    ``books`` are those to add, ``book_id`` the one to change or remove, ``title`` and ``status``
    what a change gives (``status`` may be None). ``ids`` are the answer of an accepted add.
    ``began`` and ``ended`` are seconds since 1970.
    """

    kind: Literal["add", "bulk_add", "change", "remove"]
    books: tuple[NewBook, ...] = ()
    book_id: int = 0
    title: str = ""
    status: str | None = None
    ids: tuple[int, ...] = ()
    outcome: Outcome = "unknown"
    began: float = msgspec.field(default_factory=time.time)
    ended: float = float("inf")

    def settle(self, outcome: Outcome) -> None:
        """It was answered, or never will be."""
        self.outcome = outcome
        if outcome == "accepted":
            self.ended = time.time()


class Ledger:
    """All requests of one campaign.

    ``answered`` are the times of 2xx answers, reads included; ``wrong_answers`` are answers that no
    fault excuses; ``unanswered`` counts tries that got no answer or a 5xx.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answered: list[float] = []
        self.wrong_answers: list[str] = []
        self.tries = 0
        self.unanswered = 0
        self.retried = 0

    def open(self, request: Request) -> Request:
        """Note a request before its first try."""
        self.requests.append(request)
        return request

    def accepted(self) -> Iterator[Request]:
        """The requests that were answered 2xx."""
        return (request for request in self.requests if request.outcome == "accepted")
