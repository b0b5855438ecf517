"""A browser for the tests of one file, and pages in it that may not complain."""

import functools

import pytest
from tests.integration.page.sending import Sender

from embedded.browser import INSTALL_CHROMIUM, chromium, running_browser

NETWORK_CHANGED = "ERR_NETWORK_CHANGED"


@pytest.fixture(scope="module")
def browser():
    """Ends with the file: while it runs, no other event loop can run in this process."""
    if chromium() is None:
        pytest.skip(INSTALL_CHROMIUM)
    with running_browser() as running:
        yield running


@pytest.fixture
def new_page(browser):
    """A function that opens a page of a width and a scheme; what it logs as an error fails the
    test, unless `errors=True` says that some are expected."""
    contexts, complaints = [], []

    def make(width=1280, height=800, scheme="light", *, errors=False):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        failed = []
        page.on("requestfailed", lambda request: failed.append(request))
        page.goto = functools.partial(_goto, page, page.goto, failed)
        if not errors:
            page.on(
                "console",
                lambda message: (
                    complaints.append(message.text) if message.type == "error" else None
                ),
            )
        return page

    yield make
    for context in contexts:
        context.close()
    assert [one for one in complaints if NETWORK_CHANGED not in one] == []


def _goto(page, open_page, failed, url):
    """Open a page again when Chromium gave up a part of it: it does whenever an interface of the
    machine comes or goes (somebody starts a container), for loopback, too."""
    for _ in range(5):
        failed.clear()
        open_page(url)
        if not any(NETWORK_CHANGED in (request.failure or "") for request in failed):
            return
        page.reload()


@pytest.fixture
def page(new_page):
    return new_page()


@pytest.fixture
def send(receiver):
    """Sends what a test needs to the (empty) receiver."""
    sender = Sender(receiver.url)
    yield sender
    sender.close()
