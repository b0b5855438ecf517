"""The page with the data of a real run: both services, the outbox, a topic, and the demo's tour."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.making import make

from embedded.demo.tour import Tour
from embedded.services import bare_environment
from embedded.stack import Stack, StackSettings
from embedded.waiting import wait_until

BOOK = {"title": "Ubik", "author": "Philip K. Dick", "status": "available"}
ITEMS = "[role=treeitem]"


@pytest.fixture(scope="module")
def stack(browser):  # asked for first: without a browser nothing is started
    environment = bare_environment(os.environ)
    with Stack(StackSettings(environment=environment, fsync=False)) as running:
        with (
            httpx.Client(base_url=running.bookapp_url, timeout=30, trust_env=False) as bookapp,
            httpx.Client(base_url=running.backend_url, timeout=30, trust_env=False) as backend,
        ):
            Tour(bookapp, backend, lambda line: None).take()
        yield running


def test_from_curls_traceparent_to_the_sql_of_the_other_service(stack, page):
    answer = httpx.post(f"{stack.bookapp_url}/books/add", json=BOOK, timeout=30)
    page.goto(stack.receiver.url)
    page.keyboard.press("/")
    page.keyboard.insert_text(answer.headers["traceparent"])
    page.keyboard.press("Enter")
    for name, service in (
        ("POST /books/add", "bookapp"),
        ("INSERT public.books", "bookapp"),
        ("send book_ingestion", "bookapp"),
        ("process book_ingestion", "backend"),
        ("INSERT backend.book", "backend"),
    ):
        row = page.locator(ITEMS).filter(has_text=name).filter(has_text=service)
        row.first.wait_for()
    page.locator(".waited").filter(has_text="in book_ingestion").wait_for()


def shape(line):
    """A line of the terminal without its figures and ids."""
    return re.sub(r"\d+(\.\d+)?", "N", re.sub(r"\b[0-9a-f]{32}\b", "ID", line))


def test_what_readme_shows_of_the_terminal_is_what_comes(stack):
    said = Path("README.md").read_text().split("`.venv/bin/python -m embedded.trace ID` prints")[1]
    shown = [line[4:] for line in said.split("\n\n")[1].splitlines()]
    answer = httpx.post(f"{stack.bookapp_url}/books/add", json=BOOK, timeout=30)
    command = [sys.executable, "-m", "embedded.trace", "--receiver", stack.receiver.url]

    def printed():
        run = subprocess.run(
            [*command, answer.headers["traceparent"]], capture_output=True, text=True, timeout=30
        )
        lines = run.stdout.splitlines()
        return lines if len(lines) >= len(shown) else None

    lines = wait_until(printed, 30)
    assert len(lines) == len(shown)
    for line, expected in zip(lines, shown, strict=True):
        assert shape(line).startswith(shape(expected.split("…")[0]))


def test_a_bulk_of_records_and_the_batch_that_applied_them_are_one_picture(stack, page):
    books = [BOOK] * 40  # more than come one by one
    answer = httpx.post(f"{stack.bookapp_url}/books/bulk_add", json=books, timeout=30)
    trace = answer.headers["traceparent"].split("-")[1]
    page.goto(f"{stack.receiver.url}/#/trace/{trace}?traces=200")
    page.locator(ITEMS).filter(has_text="POST /books/bulk_add").wait_for()
    page.locator(ITEMS).filter(has_text="process book_ingestion").first.wait_for()
    page.locator(ITEMS).filter(has_text="INSERT backend.book").first.wait_for()


def test_the_list_has_the_tour(stack, page):
    page.goto(stack.receiver.url)
    for title in ("POST /books/add", "GET /books", "process book_ingestion", "GET /books/{id}"):
        page.locator("ol.list b").get_by_text(title, exact=True).first.wait_for()
    page.get_by_label("failed only").check()
    failed = page.locator("ol.list > li").filter(has_text="500")
    failed.first.wait_for()
    assert "Sentry" in failed.first.inner_text()


def test_logs_and_sentry_events_of_the_tour_lead_to_their_spans(stack, page):
    page.goto(f"{stack.receiver.url}/#/logs?text=ingested")
    page.locator("ol.list .message").first.click()
    page.locator("aside .details h2").wait_for()
    page.goto(f"{stack.receiver.url}/#/errors")
    page.locator("ol.list .message").first.click()
    page.locator("aside .details h3").filter(has_text="Sentry").wait_for()


def test_the_metrics_of_the_tour(stack, page):
    page.goto(f"{stack.receiver.url}/#/metrics")
    routes = page.get_by_role("region", name="Routes")
    routes.get_by_role("row").filter(has_text="POST /books/add").wait_for()
    topic = page.get_by_role("region", name="Topic book_ingestion", exact=True)
    topic.get_by_text("processed by backend").first.wait_for()
    page.get_by_role("region", name="Outbox").get_by_text("relay active").first.wait_for()
    page.get_by_role("region", name="Connection pools").locator("figure").first.wait_for()
    options = page.get_by_label("Metric", exact=True).locator("option")
    assert options.count() > 12
    page.locator(".exemplar").last.click()
    page.locator(ITEMS).first.wait_for()


def test_the_map_of_the_tour(stack, page):
    page.goto(f"{stack.receiver.url}/#/map")
    page.get_by_role("link", name="bookapp to backend through book_ingestion, link").wait_for()
    for node in ("service bookapp", "service backend", "topic book_ingestion"):
        page.get_by_role("link", name=f"{node}: its traces").wait_for()
    page.get_by_role("row").filter(has_text="link across book_ingestion").wait_for()


@pytest.mark.timeout(200)
def test_the_pictures_of_the_readme_are_taken_by_the_command(browser, tmp_path):
    done = make("screenshots", f"ARGS={tmp_path} --traffic 1", timeout=180)
    assert done.returncode == 0, done.stdout
    pictures = list(tmp_path.iterdir())
    assert sorted(path.name for path in pictures) == [
        f"{name}-{scheme}.png"
        for name in ("linked-waterfall", "map", "metrics")
        for scheme in ("dark", "light")
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
