"""Sentry envelopes as SDKs send them."""

import pytest

from embedded.receiver.intake.sentry import event_of, events_of

EVENT = b'{"event_id":"ab","message":"hello","timestamp":1700000000.5}'


def test_an_item_with_a_length_may_hold_line_breaks():
    payload = b'{"event_id":\n"ab","level":"warning"}'
    body = b'{}\n{"type":"event","length":%d}\n%s\n' % (len(payload), payload)
    (event,) = events_of(body)
    assert (event.event_id, event.level) == ("ab", "warning")


def test_an_item_without_a_length_ends_at_the_line():
    (event,) = events_of(b'{}\n{"type":"event"}\n' + EVENT)
    assert event.message == "hello"
    assert event.time == 1_700_000_000_500_000_000


def test_items_of_other_types_are_passed_over():
    body = b'{}\n{"type":"session"}\n{}\n{"type":"event"}\n' + EVENT + b"\n"
    assert [event.event_id for event in events_of(body)] == ["ab"]


def test_an_envelope_may_be_empty():
    assert list(events_of(b"{}\n")) == []
    assert list(events_of(b"{}")) == []


@pytest.mark.parametrize("body", [b"hello\n{}\n", b"{}\n[]\n{}\n", b'{}\n{"type":"event"}\nno\n'])
def test_anything_else_is_no_envelope(body):
    with pytest.raises(ValueError, match="not a Sentry envelope"):
        list(events_of(body))


def test_the_trace_is_that_of_the_tags_before_that_of_the_context():
    context = {"trace": {"trace_id": "c" * 32, "span_id": "d" * 16}}
    event = event_of({"contexts": context, "tags": [["otel.trace_id", "a" * 32]]})
    assert event.trace_id == "a" * 32
    assert event_of({"contexts": context}).trace_id == "c" * 32


def test_the_message_is_the_exception_that_was_raised_last():
    values = [{"type": "KeyError", "value": "'x'"}, {"type": "ValueError", "value": "bad x"}]
    assert event_of({"exception": {"values": values}}).message == "ValueError: bad x"


def test_a_time_in_text_is_understood():
    assert event_of({"timestamp": "2026-01-01T00:00:00Z"}).time == 1_767_225_600_000_000_000
    assert event_of({"timestamp": "whenever"}).time == 0
