"""The native Bugsink takes what the Sentry SDK sends and gives it back."""

from typing import Any

import sentry_sdk

from embedded.native.bugsink import Bugsink
from embedded.waiting import wait_until


def report(dsn: str, **event: Any) -> None:
    """Sends one event and waits until it is sent."""
    client = sentry_sdk.Client(dsn=dsn, default_integrations=False)
    client.capture_event({"message": "hello", "level": "error", **event}, scope=sentry_sdk.Scope())
    client.close(timeout=10)


def test_an_event_is_read_back_with_its_tags(bugsink: Bugsink) -> None:
    project, dsn = bugsink.create_project("round trip")
    report(dsn, tags={"otel.trace_id": "0af7651916cd43dd8448eb211c80319c"})
    [event] = wait_until(lambda: bugsink.events(project), 20, what="an event in Bugsink")
    assert event["tags"]["otel.trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_projects_do_not_see_each_others_events(bugsink: Bugsink) -> None:
    one, dsn = bugsink.create_project("one")
    other, _ = bugsink.create_project("other")
    report(dsn)
    wait_until(lambda: bugsink.events(one), 20, what="an event in Bugsink")
    assert bugsink.events(other) == []
