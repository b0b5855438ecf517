"""Metrics over time: whatever temporality and kind they come in, within bounds."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import ClientException, NotFoundException

from embedded.receiver import limits
from embedded.receiver.answers.metrics import MetricQuery, catalogue, over_time
from embedded.receiver.answers.overview import overview
from embedded.receiver.answers.remembered import Remembered
from embedded.receiver.answers.steps import Steps
from embedded.receiver.answers.tallies import Tallies, Tally
from embedded.receiver.kept.buckets import buckets_of, quantiles
from embedded.receiver.kept.store import Store
from embedded.receiver.model import Exemplar, Exponential, Point

SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND


def point(at, value, **fields):
    """`at` in seconds after BEGIN."""
    values = {
        "service": "s",
        "name": "m",
        "kind": "sum",
        "unit": "1",
        "description": "What it is.",
        "attributes": {},
        "value": float(value),
        "count": 1,
        "time": BEGIN + at * SECOND,
        "start": BEGIN,
        "temporality": "cumulative",
        "monotonic": True,
        "scope": "",
        "resource": {},
    }
    return Point(**{**values, **fields})


@pytest.fixture
def store():
    return Store(started=BEGIN)


def asked(store, *, seconds=40, step=10.0, **query):
    end = BEGIN + seconds * SECOND
    query = {"name": "m", "begin": BEGIN, "end": end, "step": step, **query}
    return over_time(store, MetricQuery(**query))


def values(store, which, **query):
    (line,) = asked(store, **query).lines
    return line.values[which]


def test_cumulative_and_delta_points_come_out_alike(store):
    other = Store(started=BEGIN)
    totals = [5, 5, 25, 30]
    store.add_points(point(10 * n, total) for n, total in enumerate(totals, 1))
    pairs = zip(itertools.count(1), [0, *totals], totals, strict=False)
    other.add_points(
        point(
            10 * n,
            after - before,
            temporality="delta",
            start=BEGIN + 10 * (n - 1) * SECOND,
        )
        for n, before, after in pairs
    )
    expected = [5.0, 0.0, 20.0, 5.0]
    assert values(store, "increase") == values(other, "increase") == expected
    assert values(store, "rate") == values(other, "rate") == [one / 10 for one in expected]


def test_a_counter_that_starts_anew_is_counted_from_zero(store):
    """By its start when it says one, by its fall when it does not."""
    store.add_points([point(10, 100), point(20, 7, start=BEGIN + 15 * SECOND)])
    assert values(store, "increase", seconds=20) == pytest.approx([100.0, 7.0])
    fell = Store(started=BEGIN)
    fell.add_points([point(10, 100, start=0), point(20, 30, start=0), point(30, 31, start=0)])
    assert values(fell, "increase", seconds=30) == pytest.approx([None, 30.0, 1.0])


def test_what_was_counted_before_the_receiver_listened_is_no_growth(store):
    store.add_points([point(20, 1_000_000, start=BEGIN - 1), point(30, 1_000_001, start=BEGIN - 1)])
    found = values(store, "increase")
    assert [one for one in found if one] == [1.0]


def test_growth_between_two_far_points_is_spread_over_the_steps_between(store):
    store.add_points([point(0, 0, start=BEGIN), point(40, 40, start=BEGIN)])
    assert values(store, "rate") == pytest.approx([1.0] * 4)


def test_steps_that_nothing_is_known_of_are_none(store):
    store.add_points([point(10, 1), point(20, 2)])
    assert values(store, "rate")[2:] == [None, None]


def test_gauges_are_what_they_were_last_until_they_are_silent(store):
    gauge = {"kind": "gauge", "temporality": "", "monotonic": False, "start": 0}
    store.add_points([point(5, 3, **gauge), point(25, 4, **gauge)])
    assert values(store, "last") == [3.0, 3.0, 4.0, 4.0]
    assert values(store, "last", seconds=400, step=100.0)[2:] == [None, None]


def test_lines_are_added_up_as_asked(store):
    gauge = {"kind": "gauge", "temporality": "", "monotonic": False}
    for name, value in (("a", 1), ("b", 5)):
        store.add_points([point(5, value, attributes={"part": name}, **gauge)])
    for agg, value in (("sum", 6), ("max", 5), ("min", 1), ("avg", 3)):
        assert values(store, "last", seconds=10, agg=agg) == [value]
    lines = asked(store, seconds=10, by="part").lines
    assert [(one.labels, one.values["last"]) for one in lines] == [
        ({"part": "a"}, [1.0]),
        ({"part": "b"}, [5.0]),
    ]
    assert values(store, "last", seconds=10, where=["part=b"], by="*") == [5.0]


def histogram(at, buckets, **fields):
    count = sum(buckets)
    return point(
        at,
        count * 0.5,
        kind="histogram",
        count=count,
        bounds=(1.0, 2.0, 4.0),
        buckets=tuple(buckets),
        **fields,
    )


def test_quantiles_are_of_what_came_in_each_step(store):
    store.add_points(
        [histogram(10, (10, 0, 0, 0)), histogram(20, (10, 0, 20, 0)), histogram(30, (10, 0, 20, 0))]
    )
    assert values(store, "p50") == pytest.approx([0.5, 3.0, None, None])
    assert values(store, "rate") == pytest.approx([1.0, 2.0, 0.0, None])
    assert values(store, "mean") == pytest.approx([0.5, 0.5, None, None])


def test_what_lies_beyond_the_last_bound_is_at_the_bound():
    assert quantiles(buckets_of((1.0,), (0, 5), None), [0.5, 0.99]) == [1.0, 1.0]


def test_quantiles_of_nothing_are_none():
    assert quantiles({}, [0.5]) == [None]


def test_histograms_of_two_layouts_are_read_together():
    both = {(0.0, 4.0): 4.0, (0.0, 1.0): 1.0}
    assert quantiles(both, [0.4, 1.0]) == pytest.approx([1.0, 4.0])


@given(
    st.lists(st.floats(0.0001, 1_000), min_size=1, max_size=200),
    st.integers(-3, 6),
    st.sampled_from([0.5, 0.95, 0.99]),
)
def test_exponential_buckets_are_as_exact_as_their_scale(measured, scale, share):
    base = 2 ** (2**-scale)
    indexes = [math.ceil(math.log(one) / math.log(base) - 1e-9) - 1 for one in measured]
    first = min(indexes)
    counts = [0] * (max(indexes) - first + 1)
    for index in indexes:
        counts[index - first] += 1
    found = quantiles(
        buckets_of((), (), Exponential(scale, 0, first, tuple(counts), 0, ())), [share]
    )
    exact = sorted(measured)[min(math.ceil(share * len(measured)), len(measured)) - 1]
    assert exact / base * 0.999 <= found[0] <= exact * base * 1.001


def test_exponential_histograms_grow_through_a_change_of_scale(store):
    fine = Exponential(1, 1, 0, (4, 4), 0, ())
    coarse = Exponential(0, 1, 0, (8, 2), 0, ())
    kind = {"kind": "exponential_histogram"}
    store.add_points(
        [
            point(10, 9, count=9, exponential=fine, **kind),
            point(20, 13, count=11, exponential=coarse, **kind),
        ]
    )
    assert values(store, "increase", seconds=20) == pytest.approx([9.0, 2.0])
    assert values(store, "p50", seconds=20)[1] == pytest.approx(3.0)


@pytest.mark.parametrize("scale", [-32, 0, 32])
@pytest.mark.parametrize("offset", [-(2**31), 0, 2**31 - 1])
def test_any_scale_and_offset_can_be_read(store, scale, offset):
    wild = Exponential(scale, 3, offset, (1, 2), offset, (3,))
    store.add_points([point(10, 1, count=9, exponential=wild, kind="exponential_histogram")])
    asked(store)


def test_exemplars_lead_to_traces(store):
    dots = [Exemplar(0.5, BEGIN + 7 * SECOND, "a" * 32, "b" * 16, {})] * 2
    store.add_points([histogram(10, (1, 0, 0, 0), exemplars=dots, attributes={"r": "/x"})])
    (dot,) = asked(store).exemplars
    assert (dot.trace_id, dot.value, dot.service, dot.labels) == ("a" * 32, 0.5, "s", {"r": "/x"})


def test_a_series_keeps_its_latest_point_and_its_last_exemplars(store, monkeypatch):
    monkeypatch.setattr(limits, "EXEMPLARS_PER_SERIES", 20)
    for n in range(1, 101):
        dot = Exemplar(1.0, n, "t", format(n, "016x"), {})
        store.add_points([point(n, n, exemplars=[dot])])
    (latest,) = store.metrics.latest()
    assert latest.value == 100.0
    assert [one.time for one in latest.exemplars] == list(range(81, 101))


def test_two_processes_of_one_service_are_two_series(store):
    store.add_points([point(1, 1, resource={"service.instance.id": one}) for one in "ab"])
    assert len(list(store.metrics.latest())) == 2
    assert values(store, "increase", seconds=10) == pytest.approx([2.0])
    assert len(asked(store, by="instance").lines) == 2


def test_a_point_that_comes_twice_is_one(store):
    twice = point(10, 5, temporality="delta")
    store.add_points([twice, twice, point(5, 100, temporality="delta")])
    assert values(store, "increase", seconds=20)[:1] == [5.0]
    assert store.metrics.points == 1


def test_series_cannot_grow_without_bound(monkeypatch, store):
    monkeypatch.setattr(limits, "SERIES", 10)
    store.add_points(point(1, n, attributes={"n": n}) for n in range(50))
    assert [one.value for one in store.metrics.latest()] == [float(n) for n in range(40, 50)]
    assert store.dropped.series == 40


def test_points_cannot_grow_without_bound_the_oldest_go(monkeypatch, store):
    monkeypatch.setattr(limits, "POINTS_PER_SERIES", 5)
    store.add_points(point(n, n) for n in range(1, 21))
    (series,) = store.metrics.series()
    assert [one.end for one in series.points] == [BEGIN + n * SECOND for n in range(16, 21)]
    assert store.metrics.points == 5


def test_metrics_are_bounded_in_bytes():
    store = Store(kept_bytes=limits.MIB)
    for n in range(1, 3_000):
        store.add_points(
            histogram(n, (n, n, n, n), attributes={"n": k, "text": "x" * 500}) for k in range(5)
        )
    assert store.metrics.bytes <= store.metrics.bytes_limit
    kept = list(store.metrics.series())
    assert len(kept) == 5
    assert all(one.points[-1].end == BEGIN + 2_999 * SECOND for one in kept)
    assert store.dropped.points > 5_000
    assert store.metrics.points == sum(len(one.points) for one in kept)


def test_many_wide_series_alone_are_bounded_in_bytes():
    store = Store(kept_bytes=limits.MIB)
    store.add_points(point(1, n, attributes={"n": f"{n}" * 1_000}) for n in range(1_000))
    assert store.metrics.bytes <= store.metrics.bytes_limit
    assert 0 < len(store.metrics) < 1_000


def test_hours_in_which_nothing_happens_take_no_memory(store):
    store.add_points(point(n, 5) for n in range(1, 1_000))
    assert store.metrics.points == 2
    assert values(store, "increase", seconds=1_000, step=500.0) == pytest.approx([5.0, 0.0])


def test_the_catalogue_says_what_there_is(store):
    store.add_points([point(1, 1, attributes={"b": 1}), point(1, 1, name="a", unit="s")])
    first, second = catalogue(store)["metrics"]
    assert (first["name"], first["unit"]) == ("a", "s")
    assert second["attributes"] == ["b"]
    assert second["services"] == ["s"]


def test_a_range_that_is_none_is_refused(store):
    store.add_points([point(1, 1)])
    for wrong in ({"begin": BEGIN, "end": BEGIN}, {"step": 0.0001}, {"agg": "most"}):
        with pytest.raises(ClientException):
            asked(store, **wrong)
    with pytest.raises(ClientException):
        asked(store, where=["part"])
    with pytest.raises(NotFoundException):
        asked(store, name="other")


def test_the_overview_of_a_running_system(store):
    route = {"http.route": "/books", "http.request.method": "GET"}
    duration = {"name": "http.server.request.duration", "service": "bookapp"}
    store.add_points(
        [
            histogram(
                10, (8, 0, 0, 0), attributes={**route, "http.response.status_code": 200}, **duration
            ),
            histogram(
                10, (0, 2, 0, 0), attributes={**route, "http.response.status_code": 500}, **duration
            ),
        ]
    )
    topic = {"messaging.destination.name": "books"}
    group = {**topic, "messaging.consumer.group.name": "g"}
    gauge = {"kind": "gauge", "temporality": "", "monotonic": False}
    failed = {**topic, "error.type": "E"}
    store.add_points(
        [
            point(10, 7, name="messaging.client.sent.messages", attributes=topic),
            point(10, 1, name="messaging.client.sent.messages", attributes=failed),
            point(10, 3, name="consumer.dead_letters", attributes=failed),
            point(10, 2, name="consumer.retries", attributes=failed),
            *(
                point(10, 4, name="consumer.lag", attributes={**topic, "partition": n}, **gauge)
                for n in (0, 1)
            ),
            histogram(
                10,
                (5, 0, 0, 0),
                name="messaging.process.duration",
                attributes=group,
                service="backend",
            ),
            *(
                point(
                    10,
                    9,
                    name="outbox.backlog",
                    service="bookapp",
                    resource={"service.instance.id": one},
                    **gauge,
                )
                for one in "ab"
            ),
            point(10, 1, name="relay.active", service="bookapp", **gauge),
            *(
                point(
                    10,
                    n,
                    name="db.client.connection.count",
                    service="bookapp",
                    attributes={
                        "db.client.connection.pool.name": "p",
                        "db.client.connection.state": state,
                    },
                    monotonic=False,
                )
                for n, state in ((2, "used"), (3, "idle"))
            ),
        ]
    )
    seen = overview(store, Steps(BEGIN, BEGIN + 20 * SECOND, 10.0), "")
    (shown,) = seen["routes"]
    assert (shown["service"], shown["route"], shown["method"]) == ("bookapp", "/books", "GET")
    assert (shown["requests"], shown["errors"], shown["error_share"]) == (10, 2, 0.2)
    assert shown["p50"] == pytest.approx(0.625)
    assert shown["series"]["error_share"] == pytest.approx([0.2, None])
    (books,) = seen["topics"]
    assert (books["sent"], books["send_failures"], books["retries"]) == (7, 1, 2)
    assert (books["dead_letters"], books["lag"]) == (3, 8)
    (processed,) = books["groups"]
    assert (processed["group"], processed["processed"], processed["failures"]) == ("g", 5, 0)
    (outbox,) = seen["outbox"]
    assert (outbox["backlog"], outbox["relay_active"]) == (9, 1)
    (pool,) = seen["pools"]
    assert (pool["pool"], pool["used"], pool["idle"], pool["max"]) == ("p", 2, 3, None)
    other = overview(store, Steps(BEGIN, BEGIN + 20 * SECOND, 10.0), "backend")
    assert (other["routes"], len(other["topics"])) == ([], 1)


def test_an_answer_is_made_once_until_something_changes():
    remembered, made = Remembered(), []

    def ask(state, question):
        return remembered.get(state, question, lambda: made.append(question) or len(made))

    assert [ask(1, "a"), ask(1, "a"), ask(1, "b"), ask(1, "a")] == [1, 1, 2, 1]
    assert ask(2, "a") == 3
    for question in range(100):
        ask(2, question)
    assert len(remembered._answers) <= 16


def request(at, route, count, **fields):
    attributes = {"http.route": route, "http.request.method": "GET", **fields}
    return point(
        at, count, name="http.server.request.duration", kind="histogram", count=count,
        bounds=(0.1, 1.0), buckets=(count, 0, 0), attributes=attributes,
    )  # fmt: skip


def test_an_overview_that_is_asked_for_again_and_again_says_what_a_first_one_says(store):
    tallies = Tallies()
    for at in range(10, 200, 10):
        for route in ("/a", "/b"):
            if at % 30 or route == "/a":
                store.add_points([request(at, route, at * 2)])
                store.add_points([request(at, route, at, **{"error.type": "500"})])
        for begin in (0, at - 60):
            steps = Steps(BEGIN + begin * SECOND, BEGIN + at * SECOND, 5.0)
            again = overview(store, steps, "", tallies)
            assert again == overview(store, steps, "")
    assert again["routes"][0]["requests"] == 6 * 3 * 10
    store.clear()
    assert overview(store, steps, "", tallies)["routes"] == []


def test_of_an_overview_that_is_asked_for_again_only_what_is_new_is_added(store, monkeypatch):
    added = []
    add = Tally._add
    monkeypatch.setattr(Tally, "_add", lambda tally, kept: (added.append(kept), add(tally, kept)))
    tallies = Tallies()
    for at in (10, 20, 30, 40):
        store.add_points(request(at, f"/{n}", at) for n in range(100))
        added.clear()
        overview(store, Steps(BEGIN, BEGIN + 50 * SECOND, 5.0), "", tallies)
        assert len(added) == 100
