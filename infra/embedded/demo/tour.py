"""The tour: the requests that a newcomer would try first, each with the trace that it made."""

import time
from collections.abc import Callable

import httpx
import msgspec

from embedded.processes import StartError
from embedded.waiting import wait_until

BOOK = {"title": "The Left Hand of Darkness", "author": "Ursula K. Le Guin", "status": "available"}
MORE = [
    {"title": "Kindred", "author": "Octavia E. Butler", "status": "available"},
    {"title": "Roadside Picnic", "author": "Arkady and Boris Strugatsky", "status": "borrowed"},
    {"title": "The Invention of Morel", "author": "Adolfo Bioy Casares", "status": "available"},
]
NOBODY = 9_999_999
INJECTED = {
    "endpoint_pattern": "/books/{id}",
    "http_method": "GET",
    "error_rate": 1.0,
    "error_code": 500,
    "error_message": "An error of the demo's, injected at run time",
}
PATIENCE = 15.0
"""Seconds until an added book must have been ingested."""


class TourError(StartError):
    """The system answered something else than the tour expects. The message is one line."""


class Step(msgspec.Struct, frozen=True):
    """One request: what it was for, the HTTP status, and the trace that the answer named."""

    name: str
    status: int
    trace_id: str


class Tour:
    """Takes the steps in order. `tell` gets one line for each, as it happens."""

    def __init__(
        self, bookapp: httpx.Client, backend: httpx.Client, tell: Callable[[str], None]
    ) -> None:
        self._bookapp = bookapp
        self._backend = backend
        self._tell = tell
        self.steps: list[Step] = []

    def take(self) -> list[Step]:
        """Every step; raises TourError at the first that is answered unexpectedly."""
        added = self._request("add a book", 201, "POST", "/books/add", json=BOOK)
        book_id = int(added.json())
        self._tell(f"added {BOOK['title']!r}: it has the id {book_id}")

        begun = time.monotonic()
        self._wait_until_ingested(book_id)
        waited = time.monotonic() - begun
        self._tell(f"backend has ingested it {waited * 1000:.0f} ms after the answer")

        page = f"/books?limit=1&after={book_id - 1}"
        (book,) = self._request("read it back with its details", 200, "GET", page).json()
        mark = (book["details"] or {}).get("shelf_mark")
        if book["title"] != BOOK["title"] or not mark:
            raise TourError(f"The book came back without its details: {book}")
        self._tell(f"read it back: {book['title']} by {book['author']}, shelf mark {mark}")

        listed = self._request("list the books", 200, "GET", "/books?limit=20").json()
        catalogued = sum(one["details"] is not None for one in listed)
        self._tell(f"listed {len(listed)} books, {catalogued} with details, by one call to backend")

        bulk = self._request("add a few in bulk", 201, "POST", "/books/bulk_add", json=MORE)
        self._tell(f"added {len(bulk.json())} more in bulk: ids {bulk.json()}")

        missing = self._request("ask for one that does not exist", 404, "GET", f"/books/{NOBODY}")
        self._tell(f"asked for book {NOBODY}: 404, {missing.json().get('detail', '')}")
        self._fail_once(f"/books/{book_id}")
        self._tell(
            "injected an error into GET /books/{id}: 500, and a Sentry event; taken out again"
        )
        return self.steps

    def _fail_once(self, path: str) -> None:
        """A rule that fails a route, one request that it fails, and the rule away again."""
        made = self._bookapp.post("/error-injection", json=INJECTED)
        if made.status_code != httpx.codes.CREATED:
            raise TourError(f"The error could not be injected: {made.text}")
        try:
            # A rule takes effect within a second, in every process.
            wait_until(lambda: self._bookapp.get(path).is_server_error, 5.0)
            self._request("make one error", 500, "GET", path)
        except TimeoutError:
            raise TourError("The injected error was not seen within 5 s.") from None
        finally:
            self._bookapp.delete(f"/error-injection/{made.json()['id']}")

    def _wait_until_ingested(self, book_id: int) -> None:
        """Ask backend until it has the book; only the last of the requests is a step."""

        def ingested() -> httpx.Response | None:
            answer = self._backend.get(f"/books/{book_id}")
            return answer if answer.status_code == httpx.codes.OK else None

        try:
            answer = wait_until(ingested, PATIENCE)
        except TimeoutError:
            raise TourError(
                f"Book {book_id} was not ingested within {PATIENCE:.0f} s: see what backend says."
            ) from None
        assert answer is not None
        self._note("wait until it is ingested", answer)

    def _request(
        self, name: str, expected: int, method: str, path: str, json: object = None
    ) -> httpx.Response:
        try:
            answer = self._bookapp.request(method, path, json=json)
        except httpx.HTTPError as error:
            raise TourError(f"{method} {path} got no answer: {error!r}") from error
        self._note(name, answer)
        if answer.status_code != expected:
            said = " ".join(answer.text.split())[:200]
            raise TourError(f"{method} {path} answered {answer.status_code}: {said}")
        return answer

    def _note(self, name: str, answer: httpx.Response) -> None:
        """The step, with the trace id of the answer's traceparent (version-trace-span-flags)."""
        fields = answer.headers.get("traceparent", "").split("-")
        trace_id = fields[1] if len(fields) == 4 else ""
        self.steps.append(Step(name, answer.status_code, trace_id))
