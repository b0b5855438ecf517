"""`python -m embedded.screenshots [DIRECTORY]`: README's pictures of the page, from a running demo.

Starts the stack, sends it some traffic, and takes the linked waterfall, the metrics and the map in
a light and a dark scheme. Exit status 1, with one line, when there is no browser or a part fails.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from embedded.browser import running_browser
from embedded.demo.story import Library
from embedded.demo.tour import MORE, Tour
from embedded.processes import StartError
from embedded.receiver import Receiver
from embedded.services import bare_environment
from embedded.stack import Stack, StackSettings
from embedded.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDTH = 1200
"""Of a picture, in CSS pixels; it is stored at twice as many for sharp screens."""
TRAFFIC = 60.0
"""Seconds, so that there is something to see in the metrics."""
SCHEMES = ("light", "dark")


def take(browser: "Browser", url: str, trace_id: str, directory: Path) -> list[Path]:
    """The pictures of a receiver's page, as `NAME-SCHEME.png`; `trace_id` is the linked one's."""
    views = {
        "linked-waterfall": (f"trace/{trace_id}", "[role=treeitem] .waited", 400),
        "metrics": ("metrics?last=300", ".chart .exemplar", 640),
        "map": ("map", ".edge.linked", 640),
    }
    taken = []
    for scheme in SCHEMES:
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 640},
            device_scale_factor=2,
            color_scheme="dark" if scheme == "dark" else "light",
        )
        for name, (path, shown, height) in views.items():
            page.set_viewport_size({"width": WIDTH, "height": height})
            page.goto(f"{url}/#/{path}")
            page.wait_for_selector(shown)
            for sql in (
                page.get_by_role("treeitem").filter(has_text="INSERT backend.book").all()[:1]
            ):
                sql.click()
            taken.append(directory / f"{name}-{scheme}.png")
            page.screenshot(path=taken[-1])
        page.close()
    return taken


def _traffic(bookapp: httpx.Client, enough: threading.Event) -> None:
    """Requests of a reader and of a librarian, until there are enough."""
    number = 0
    while not enough.wait(0.15):
        added = bookapp.post("/books/add", json=MORE[number % len(MORE)])
        for path in ("/books?limit=20", f"/books/{added.json()}", "/books/9999999"):
            bookapp.get(path)
        if number % 5 == 0:
            bookapp.post("/books/bulk_add", json=MORE)
        number += 1


def run(directory: Path, seconds: float) -> list[Path]:
    """Start, send traffic, take. Raises StartError, TimeoutError, FileNotFoundError."""
    with Stack(StackSettings(environment=bare_environment(os.environ))) as stack:
        assert stack.receiver is not None
        receiver = stack.receiver
        with (
            httpx.Client(base_url=stack.bookapp_url, timeout=10, trust_env=False) as bookapp,
            httpx.Client(base_url=stack.backend_url, timeout=10, trust_env=False) as backend,
        ):
            Tour(bookapp, backend, print).take()
            enough = threading.Event()
            traffic = threading.Thread(target=_traffic, args=(bookapp, enough))
            traffic.start()  # goes on while the pictures are taken: its lines reach the right edge
            try:
                time.sleep(seconds)
                answer = httpx.post(f"{stack.bookapp_url}/books/add", json=MORE[0], timeout=10)
                trace_id = answer.headers["traceparent"].split("-")[1]
                wait_until(lambda: _linked(receiver, trace_id), 20)
                with running_browser() as browser:
                    return take(browser, receiver.url, trace_id, directory)
            finally:
                enough.set()
                traffic.join()


def _linked(receiver: Receiver, trace_id: str) -> bool:
    """Whether the record's trace has come as well."""
    library = Library(receiver.trace)
    story = library.story(trace_id)
    return story is not None and any(library.linked_from(one) for one in story.spans())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded.screenshots", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=Path("docs/images"))
    parser.add_argument("--traffic", type=float, default=TRAFFIC, metavar="SECONDS")
    options = parser.parse_args(arguments)
    try:
        for picture in run(options.directory, options.traffic):
            print(picture)
    except (StartError, FileNotFoundError, TimeoutError) as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
