"""One trace in a real browser: both sides of its links in one picture, and any data survived."""

import time

import pytest
from tests.integration.page.sending import Span, new_trace

ITEMS = "[role=treeitem]"


def names(page):
    return page.locator(f"{ITEMS} .name").all_inner_texts()


def opened(page, receiver, trace, rows):
    page.goto(f"{receiver.url}/#/trace/{trace}")
    has_rows(page, rows)


def has_rows(page, count):
    page.wait_for_function(
        "(count) => document.querySelectorAll('[role=treeitem]').length === count", arg=count
    )


STORY = ["POST /books/add", "INSERT books", "send book_ingestion", "process book_ingestion",
         "INSERT backend.book"]  # fmt: skip


def test_paste_and_enter_lead_from_the_request_to_the_sql_of_the_other_service(
    receiver, send, page
):
    request, *_ = send.story()
    page.goto(receiver.url)
    page.keyboard.press("/")
    page.keyboard.insert_text(f"traceparent: 00-{request.trace}-{request.id}-01")
    page.keyboard.press("Enter")
    has_rows(page, 5)
    assert names(page) == STORY
    sql = page.locator(ITEMS).filter(has_text="INSERT backend.book")
    assert "backend" in sql.locator(".of").inner_text()
    sql.click()
    page.locator(".details").get_by_text("INSERT INTO backend.book VALUES ($1)").wait_for()


def test_the_picture_is_the_same_from_the_records_side(receiver, send, page):
    *_, process, _ = send.story()
    opened(page, receiver, process.trace, 5)
    assert names(page) == STORY


def test_the_wait_in_the_topic_is_a_gap_between_send_and_process(receiver, send, page):
    request, *_ = send.story(wait=40)
    opened(page, receiver, request.trace, 5)
    row = page.locator(ITEMS).filter(has_text="process book_ingestion")
    assert row.locator(".waited").inner_text() == "40.0 ms in book_ingestion"
    gap = row.locator(".wait").bounding_box()
    sent = page.locator(ITEMS).filter(has_text="send book").locator(".block").bounding_box()
    done = row.locator(".block").bounding_box()
    assert abs(gap["x"] - (sent["x"] + sent["width"])) < 3
    assert abs(gap["x"] + gap["width"] - done["x"]) < 3
    assert gap["width"] > 100
    said, within = row.locator(".waited").bounding_box(), row.locator(".wait")
    if within.locator(".waited").count():  # else it stands beside the gap
        assert said["width"] < gap["width"]


def test_a_wait_of_hours_leaves_the_rest_of_the_picture_readable(receiver, send, page):
    request, *_ = send.story(wait=3 * 3600 * 1000)
    opened(page, receiver, request.trace, 5)
    assert page.locator(".break").inner_text() == "// 3 h 0 min"
    first = page.locator(f"{ITEMS} .block").first.bounding_box()
    assert first["width"] > 100


def test_one_key_folds_the_linked_traces_back_and_the_address_says_so(
    receiver, send, page, new_page
):
    request, *_ = send.story()
    opened(page, receiver, request.trace, 5)
    page.keyboard.press("l")
    has_rows(page, 3)
    other = new_page()
    other.goto(page.url)
    has_rows(other, 3)
    page.keyboard.press("l")
    has_rows(page, 5)


def test_replays_and_dead_letters_are_marked_in_the_picture_and_in_the_list(receiver, send, page):
    request, *_ = send.story(replayed=True, dead_letter=True)
    opened(page, receiver, request.trace, 5)
    marks = page.locator(ITEMS).filter(has_text="process book").locator(".mark").all_inner_texts()
    assert {"replayed", "dead letter", "error"} <= set(marks)
    page.goto(f"{receiver.url}/#/traces?service=backend")
    row = page.locator("ol.list > li").filter(has_text="process book_ingestion")
    row.wait_for()
    assert {"replayed", "dead letter"} <= set(row.locator(".mark").all_inner_texts())


def test_the_batch_that_applied_the_records_is_in_the_picture(receiver, send, page):
    request, *_, process, _ = send.story()
    batch = Span("apply batch", service="backend", start=60, ms=8, links=[process])
    sql = Span(
        "INSERT batch", service="backend", trace=batch.trace, parent=batch.id, start=61, ms=4
    )
    send.spans(batch, sql)
    opened(page, receiver, request.trace, 7)
    assert names(page)[-2:] == ["apply batch", "INSERT batch"]


def test_the_waterfall_by_keyboard_alone(receiver, send, page):
    request, *_ = send.story()
    send.log("ingested", span=request)
    opened(page, receiver, request.trace, 5)
    chosen = page.locator(f"{ITEMS}[aria-selected=true]")
    for key, expected in (
        ("ArrowDown", "POST /books/add"),
        ("j", "INSERT books"),
        ("End", "INSERT backend.book"),
        ("ArrowLeft", "process book_ingestion"),
        ("k", "send book_ingestion"),
        ("Home", "POST /books/add"),
    ):
        page.keyboard.press(key)
        chosen.filter(has_text=expected).wait_for()
    page.keyboard.press("ArrowLeft")
    has_rows(page, 1)
    page.keyboard.press("ArrowRight")
    has_rows(page, 5)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "POST /books/add"
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Along the way").wait_for()


def test_a_span_opens_with_attributes_events_lines_sentry_and_links(receiver, send, page):
    request, _, sent, process, _ = send.story()
    send.log("added book 7", span=request)
    send.sentry("no such shelf", span=request)
    opened(page, receiver, request.trace, 5)
    page.locator(ITEMS).filter(has_text="POST /books/add").click()
    details = page.locator("aside .details")
    for text in ("http.route", "/books/add", "added book 7", "ValueError: no such shelf"):
        details.get_by_text(text).first.wait_for()
    page.locator(ITEMS).filter(has_text="send book_ingestion").click()
    details.get_by_role("link", name="process book_ingestion (backend)").click()
    page.wait_for_url(f"**/#/trace/{process.trace}?span={process.id}")
    details.get_by_role("link", name="send book_ingestion (bookapp)").click()
    page.wait_for_url(f"**/#/trace/{request.trace}?span={sent.id}")


def test_new_spans_of_an_open_trace_appear(receiver, send, page):
    request, *_ = send.story()
    opened(page, receiver, request.trace, 5)
    send.spans(Span("late", trace=request.trace, parent=request.id, start=2))
    has_rows(page, 6)
    for rows in range(7, 10):  # nor is one missed by somebody who walks on meanwhile
        send.spans(Span(f"later {rows}", trace=request.trace, parent=request.id, start=rows))
        page.keyboard.press("ArrowDown")
        has_rows(page, rows)


def test_48_spans_in_24_levels_sent_twice_are_48_rows_at_once(receiver, send, page):
    trace, spans, parent = new_trace(), [], ""
    for level in range(24):
        pair = [Span(f"{side} {level}", trace=trace, parent=parent, start=level) for side in "ab"]
        spans += pair
        parent = pair[0].id
    send.spans(*spans)
    send.spans(*spans)
    begun = time.monotonic()
    page.set_viewport_size({"width": 1280, "height": 2000})
    opened(page, receiver, trace, 48)
    assert time.monotonic() - begun < 10


def test_five_thousand_spans_are_a_bounded_number_of_elements(receiver, send, page):
    trace = new_trace()
    root = Span("root", trace=trace, ms=6000)
    others = [Span(f"step {n}", trace=trace, parent=root.id, start=n) for n in range(4999)]
    send.spans(root, *others)
    page.goto(f"{receiver.url}/#/trace/{trace}")
    page.get_by_text("5,000 spans").wait_for()
    assert page.locator(ITEMS).count() < 150
    page.keyboard.press("End")
    page.locator(f"{ITEMS}[aria-selected=true]").filter(has_text="step 4998").wait_for()
    assert page.locator(ITEMS).count() < 150


@pytest.mark.parametrize("linked", ["", "?linked=0"])
def test_bad_data_is_shown_and_marked(receiver, send, page, linked):
    trace = new_trace()
    a, b = Span("circle a", trace=trace), Span("circle b", trace=trace, start=1)
    a.parent, b.parent = b.id, a.id
    own = Span("own parent", trace=trace, start=2)
    own.parent = own.id
    selfish = Span("links to itself", trace=trace, start=3)
    selfish.links = [selfish]
    send.spans(
        a, b, own, selfish,
        Span("nameless", trace=trace, span_id="", start=4),
        Span("orphan", trace=trace, parent="00000000000000ff", start=5),
        Span("backwards", trace=trace, start=6, ms=-3),
    )  # fmt: skip
    page.goto(f"{receiver.url}/#/trace/{trace}{linked}")
    has_rows(page, 7)
    for name, mark in (
        ("circle a", "circle of parents"),
        ("own parent", "circle of parents"),
        ("links to itself", "linked to itself"),
        ("nameless", "no span id"),
        ("orphan", "parent not here"),
        ("backwards", "impossible times"),
    ):
        row = page.locator(ITEMS).filter(has_text=name)
        assert mark in row.locator(".mark").all_inner_texts()
    page.keyboard.press("End")
    page.locator("aside .details h2").filter(has_text="backwards").wait_for()


def test_traces_that_link_in_a_circle_are_one_picture(receiver, send, page):
    a, b = Span("one"), Span("two", start=1)
    a.links, b.links = [b], [a]
    send.spans(a, b)
    opened(page, receiver, a.trace, 2)
    assert sorted(names(page)) == ["one", "two"]
