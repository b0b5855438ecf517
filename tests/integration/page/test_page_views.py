"""Logs, Sentry events, metrics and the map in a real browser, and what all views owe everybody."""

import pytest
from tests.integration.page.sending import Span
from tests.integration.page.test_page_traces import shows

BOUNDS = [0.01, 0.1, 1.0]
ROUTE = {"http.route": "/books/{id}", "http.request.method": "GET"}
VIEWS = ("traces", "logs", "errors", "metrics", "map")


def lines(page):
    return page.locator("ol.list .message").all_inner_texts()


def reads(page, *expected):
    page.wait_for_function(
        """(expected) => JSON.stringify([...document.querySelectorAll("ol.list .message")]
            .map((line) => line.textContent)) === JSON.stringify(expected)""",
        arg=list(expected),
    )


def test_log_lines_are_found_and_lead_to_their_span_and_back(receiver, send, page):
    span = Span("GET /books", kind="server")
    send.spans(span)
    send.log("started", at=1)
    send.log("listed 20 books", span=span, at=2)
    send.log("no shelf for book 7", span=span, level="ERROR", service="backend", at=3)
    page.goto(f"{receiver.url}/#/logs")
    reads(page, "no shelf for book 7", "listed 20 books", "started")
    page.get_by_label("Text").fill("BOOK")
    reads(page, "no shelf for book 7", "listed 20 books")
    page.get_by_label("Level").select_option("ERROR and up")
    reads(page, "no shelf for book 7")
    page.get_by_label("Level").select_option("any")
    page.get_by_label("Service", exact=True).select_option("bookapp")
    reads(page, "listed 20 books")
    page.get_by_label("Service", exact=True).select_option("any")
    page.get_by_label("Text").fill("")
    page.get_by_label("Trace", exact=True).fill(f"00-{span.trace}-{span.id}-01")
    reads(page, "no shelf for book 7", "listed 20 books")
    page.locator("ol.list .message").last.click()
    page.locator("aside .details h2").filter(has_text="GET /books").wait_for()
    page.get_by_role("link", name="all log lines").click()
    reads(page, "no shelf for book 7", "listed 20 books")
    send.log("one more", span=span, at=4)
    reads(page, "one more", "no shelf for book 7", "listed 20 books")


SLOW = """
    const ask = window.fetch;
    window.fetch = async (url, options) => {
        const answer = await ask(url, options);
        if (String(url).includes("text=slow")) {
            await new Promise((go) => setTimeout(go, 1500));
            window.arrived = true;
        }
        return answer;
    };
"""


def test_an_answer_that_was_overtaken_does_not_replace_the_newer_one(receiver, send, page):
    send.log("slow line", at=1)
    send.log("quick line", at=2)
    page.add_init_script(SLOW)
    page.goto(f"{receiver.url}/#/logs?text=slow")
    page.get_by_label("Text").wait_for()
    page.goto(f"{receiver.url}/#/logs?text=quick")
    reads(page, "quick line")
    page.wait_for_function("() => window.arrived")
    page.wait_for_timeout(200)
    assert lines(page) == ["quick line"]


def test_sentry_events_lead_to_their_span(receiver, send, page):
    span = Span("GET /books", kind="server")
    send.spans(span)
    send.sentry("no such shelf", span=span)
    page.goto(f"{receiver.url}/#/errors")
    reads(page, "ValueError: no such shelf")
    page.locator("ol.list .message").click()
    page.wait_for_url(f"**/#/trace/{span.trace}?span={span.id}")
    page.locator("aside .details h2").filter(has_text="GET /books").wait_for()


@pytest.mark.parametrize("cumulative", [True, False])
def test_a_routes_requests_errors_and_percentiles_and_the_way_from_an_exemplar_to_its_trace(
    receiver, send, page, cumulative
):
    span = Span("GET /books/{id}", kind="server")
    send.spans(span)
    ok, bad = (
        {**ROUTE, "http.response.status_code": 200},
        {
            **ROUTE,
            "http.response.status_code": 500,
            "error.type": "500",
        },
    )
    for n in range(1, 4):
        total = n if cumulative else 1
        kept = {"at": n * 5_000, "cumulative": cumulative}
        duration = "http.server.request.duration"
        send.histogram(
            duration, [90 * total, 0, 0, 0], BOUNDS, attributes=ok, exemplar=span, **kept
        )
        send.histogram(duration, [0, 10 * total, 0, 0], BOUNDS, attributes=bad, **kept)
    page.goto(f"{receiver.url}/#/metrics")
    row = page.get_by_role("row").filter(has_text="GET /books/{id}")
    row.wait_for()
    cells = row.get_by_role("cell").all_inner_texts()
    assert cells[0] == "bookapp"
    assert cells[1] in ("200", "300")  # the first of cumulative points may count from their start
    assert cells[3] == "10 %"
    page.locator(".exemplar").last.click()  # the one on top
    page.wait_for_url(f"**/#/trace/{span.trace}**")
    page.go_back()
    row.get_by_role("link").click()
    for name in ("p50", "p95", "p99"):
        page.locator(".legend li").filter(has_text=name).first.wait_for()
    assert "route=bookapp" in page.url


def test_topics_outbox_and_pools_are_shown(receiver, send, page):
    topic = {"messaging.destination.name": "book_ingestion"}
    group = {**topic, "messaging.consumer.group.name": "backend"}
    for n in range(1, 4):
        at = n * 5_000
        send.counter("messaging.client.sent.messages", 10 * n, attributes=topic, at=at)
        send.histogram("messaging.process.duration", [9 * n, 0, 0, 0], BOUNDS,
                       service="backend", attributes=group, at=at)  # fmt: skip
        send.counter("consumer.retries", n, service="backend", attributes=topic, at=at)
        send.counter("consumer.dead_letters", n, service="backend", attributes=topic, at=at)
        send.gauge("consumer.lag", 4, service="backend", at=at,
                   attributes={**topic, "messaging.destination.partition.id": "0"})  # fmt: skip
        send.gauge("outbox.backlog", 17, unit="{record}", at=at)
        send.gauge("outbox.oldest_age", 2.5, unit="s", at=at)
        send.gauge("relay.active", 1, at=at)
        for state, count in (("used", 3), ("idle", 2)):
            send.gauge("db.client.connection.count", count, at=at,
                       attributes={"db.client.connection.pool.name": "books",
                                   "db.client.connection.state": state})  # fmt: skip
    page.goto(f"{receiver.url}/#/metrics")
    of_topic = page.get_by_role("region", name="Topic book_ingestion")
    of_topic.get_by_text("lag 4").wait_for()
    for title in ("Sent and processed", "Lag", "Retries, failures, dead letters"):
        of_topic.locator("figcaption").get_by_text(title, exact=True).wait_for()
    outbox = page.get_by_role("region", name="Outbox")
    outbox.get_by_text("17 record").wait_for()
    outbox.get_by_text("2.50 s").first.wait_for()
    outbox.get_by_text("relay active").first.wait_for()
    pools = page.get_by_role("region", name="Connection pools")
    pools.locator("figcaption").filter(has_text="books").wait_for()


def test_any_metric_can_be_picked_and_plotted_with_its_unit(receiver, send, page):
    for n in range(1, 5):
        for shelf in ("A", "B"):
            size = 2048.0 if shelf == "A" else 1024.0
            send.gauge("shelf.size", size, unit="By", attributes={"shelf": shelf}, at=n * 5_000)
    page.goto(f"{receiver.url}/#/metrics")
    page.get_by_label("Metric", exact=True).select_option("shelf.size")
    page.locator("figure").filter(has_text="shelf.size").get_by_text("2 KiB").first.wait_for()
    page.get_by_label("A line for each").select_option("shelf")
    legend = page.locator("figure").filter(has_text="shelf.size").locator(".legend li")
    legend.nth(1).wait_for()
    assert sorted(legend.all_inner_texts()) == ["A\n2 KiB", "B\n1 KiB"]
    page.locator("figure").filter(has_text="shelf.size").locator(".plot").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.locator(".legend .at").wait_for()  # the values at a place chosen by keys


def test_the_map_draws_the_edge_across_the_topic_and_a_click_filters_the_traces(
    receiver, send, page
):
    send.story()
    send.spans(Span("tidy up"))
    page.goto(f"{receiver.url}/#/map")
    edge = page.get_by_role("link", name="bookapp to backend through book_ingestion, link")
    edge.wait_for()
    for node in (
        "service bookapp",
        "service backend",
        "topic book_ingestion",
        "database postgresql/books",
    ):
        page.get_by_role("link", name=f"{node}: its traces").wait_for()
    row = page.get_by_role("row").filter(has_text="link across book_ingestion")
    assert "40.0 ms" in row.inner_text()  # the wait
    edge.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/#/traces?edge=**")
    shows(page, "process book_ingestion")
    page.go_back()
    page.get_by_role("link", name="service backend: its traces").locator("rect").click()
    shows(page, "process book_ingestion")


@pytest.fixture
def everything(send):
    """Something in each view; long where length could do harm."""
    request, *_ = send.story(replayed=True, dead_letter=True)
    wide = Span("x" * 300, service="s" * 120, kind="server", start=100,
                attributes={"http.request.header.accept_language": "de-DE,de;q=0.9 " * 20,
                            "a" * 200: "b" * 900, "http.response.status_code": 200})  # fmt: skip
    send.spans(wide)
    for n in range(40):
        send.log("word" * 60 + f" {n}", span=request, level="ERROR", at=n)
    send.sentry("unbroken" * 80, span=request)
    for n in range(1, 4):
        send.histogram("http.server.request.duration", [5 * n, n, 0, 0], BOUNDS, at=n * 5_000,
                       attributes={"http.route": "/r" * 60, "http.request.method": "GET"},
                       exemplar=request)  # fmt: skip
        send.gauge("outbox.backlog", 17, unit="{record}", at=n * 5_000)
    return request, wide


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(360, "dark"), (390, "light"), (768, "dark"), (1280, "light"), (2560, "dark")],
)
def test_every_view_fits_every_width(receiver, everything, new_page, width, scheme):
    request, wide = everything
    page = new_page(width, 844, scheme)
    views = [
        *VIEWS,
        f"trace/{request.trace}?span={request.id}",
        f"trace/{wide.trace}?span={wide.id}",
    ]
    for view in views:
        page.goto(f"{receiver.url}/#/{view}")
        page.wait_for_function("() => document.querySelector('main').textContent.length > 40")
        page.wait_for_timeout(150)
        for box in ("html", "main", ".split", ".side", ".waterfall"):
            over = page.evaluate(
                "(box) => { const one = document.querySelector(box);"
                " return one ? one.scrollWidth - one.clientWidth : 0; }",
                box,
            )
            assert over <= 0, f"{view}: {box} is {over} px too wide at {width}"
    value = page.locator("aside td").filter(has_text="de-DE").bounding_box()
    assert value["width"] >= 140  # some twenty letters: values are read, not spelt


def test_the_two_schemes_differ_and_text_stands_out(receiver, everything, new_page):
    grounds = set()
    for scheme in ("light", "dark"):
        page = new_page(scheme=scheme)
        page.goto(receiver.url)
        page.locator("ol.list > li").first.wait_for()
        for place in ("body", ".item .time", ".item b", ".total", ".top nav a"):
            ratio = page.locator(place).first.evaluate(CONTRAST)
            assert ratio >= 4.5, f"{place} in {scheme}: {ratio}"
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


CONTRAST = """(element) => {
    const canvas = document.createElement("canvas").getContext("2d");
    const rgb = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (colour) => colour.slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    let ground = [255, 255, 255, 0];
    for (let one = element; one && ground[3] === 0; one = one.parentElement) {
        ground = rgb(getComputedStyle(one).backgroundColor);
    }
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def test_landmarks_names_and_a_way_past_the_header(receiver, everything, page):
    request, _ = everything
    page.goto(receiver.url)
    for role, name in (
        ("banner", None),
        ("navigation", "Views"),
        ("search", "Find traces"),
        ("main", None),
        ("status", None),
    ):
        assert page.get_by_role(role, name=name, include_hidden=True).count() == 1
    for view in (*VIEWS, f"trace/{request.trace}"):
        page.goto(f"{receiver.url}/#/{view}")
        page.get_by_role("heading", level=1).wait_for(state="attached")
        page.wait_for_timeout(150)
        assert page.evaluate(NAMELESS) == []
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert "#/trace/" in page.url


NAMELESS = """[...document.querySelectorAll("a, button, input, select, [role=img], [role=tree]")]
    .filter((one) => one.checkVisibility())
    .filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
    .filter((one) => !one.closest("[aria-hidden=true]"))
    .map((one) => one.outerHTML)"""


def test_all_of_it_by_keyboard_with_a_visible_focus(receiver, everything, page):
    page.goto(receiver.url)
    page.locator("ol.list > li").first.wait_for()
    seen = []
    for _ in range(24):
        page.keyboard.press("Tab")
        tag, width = page.evaluate(
            "[document.activeElement.className || document.activeElement.tagName,"
            " parseFloat(getComputedStyle(document.activeElement).outlineWidth)]"
        )
        assert width >= 2, f"{tag} has no visible focus"
        seen.append(tag)
    assert any("item" in tag for tag in seen)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    dialog.get_by_text("pause and go on").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    for keys, view in (
        ("gl", "logs"),
        ("ge", "errors"),
        ("gm", "metrics"),
        ("ga", "map"),
        ("gt", "traces"),
    ):
        page.keyboard.press(keys[0])
        page.keyboard.press(keys[1])
        page.wait_for_url(f"**/#/{view}")
    page.locator("ol.list > li a").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(
        "document.activeElement === document.querySelectorAll('ol.list > li a')[1]"
    )
    page.keyboard.press("Enter")
    page.locator("[role=treeitem]").first.wait_for()


HOSTILE = '"><img src=x onerror="window.hurt=1"><script>window.hurt=1</script>{{7*7}}'


def test_hostile_text_stays_text_in_every_view(receiver, send, new_page):
    page = new_page(errors=True)  # of a trace that is not there the browser says so
    http = {"http.route": HOSTILE, "http.request.method": HOSTILE, HOSTILE: HOSTILE}
    span = Span(HOSTILE, service=HOSTILE, kind="server", attributes=http, status=2)
    topic = {"messaging.destination.name": HOSTILE}
    sent = Span(HOSTILE, service=HOSTILE, kind="producer", trace=span.trace, parent=span.id,
                attributes=topic, start=1)  # fmt: skip
    got = Span(HOSTILE, kind="consumer", links=[sent], attributes=topic, start=20)
    send.spans(span, sent, got)
    send.log(HOSTILE, span=span, service=HOSTILE)
    send.sentry(HOSTILE, span=span, service=HOSTILE)
    for n in range(1, 4):
        send.histogram("http.server.request.duration", [5 * n, 0, 0, 0], BOUNDS, at=n * 5_000,
                       service=HOSTILE, attributes=http, exemplar=span)  # fmt: skip
        send.gauge(HOSTILE, 1, unit=HOSTILE, attributes={HOSTILE: HOSTILE}, at=n * 5_000)
    views = [*VIEWS, f"trace/{span.trace}?span={span.id}", f"trace/{HOSTILE}"]
    for view in views:
        page.goto(f"{receiver.url}/#/{view}")
        page.wait_for_timeout(300)
        assert page.evaluate("window.hurt") is None
        assert page.locator("main img, main script").count() == 0
    page.goto(f"{receiver.url}/#/metrics")
    page.get_by_label("Metric", exact=True).select_option(HOSTILE)
    page.locator("figure").filter(has_text="onerror").first.wait_for()
    page.goto(f"{receiver.url}/#/traces")
    page.locator("ol.list b").filter(has_text="<script>").first.wait_for()
    assert page.evaluate("window.hurt") is None
