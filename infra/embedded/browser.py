"""A real browser for the page's tests and pictures: the Chromium that the machine has.

Nothing is downloaded. Needs Playwright, which comes with the `dev` extra.
"""

import contextlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a type alone: those who run the demo have no Playwright
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL_CHROMIUM = "no Chromium was found: install it (Debian: chromium)"


def chromium() -> str | None:
    """Path of a Chromium on the PATH, None when there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextlib.contextmanager
def running_browser() -> Iterator["Browser"]:
    """A headless browser, ended with the block. Raises FileNotFoundError when there is none."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        raise FileNotFoundError(INSTALL_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()
