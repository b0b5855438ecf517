"""Whatever is sent as a rule of error injection is one that works, or is refused by its field."""

import json
import re
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import ValidationException

from error_injection import Rule, RuleBody, Rules, RuleTable
from error_injection.records import is_drawn
from error_injection.rule import PROTECTED, check

TOPICS = ("book_ingestion",)
FIELDS = RuleBody.__struct_fields__

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["/", "/books", "/books/{id}", "/health", "/health/x", "GET", *TOPICS]),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
segments = st.sampled_from(["books", "{id}", "health", "schema", "a-b.c~_", "", "é", "{}", "\n"])
endpoints = st.fixed_dictionaries(
    {
        "endpoint_pattern": st.lists(segments, max_size=4).map(lambda some: "/" + "/".join(some)),
        "http_method": st.sampled_from(["GET", "POST", "get", "TRACE"]),
        "error_rate": st.floats(-0.5, 1.5),
    },
    optional={
        "error_code": st.integers(380, 620),
        "delay_ms": st.integers(-10, 70_000),
        "topic": st.sampled_from([None, *TOPICS]),
    },
)
documents = endpoints | st.dictionaries(st.sampled_from([*FIELDS, "id", ""]), anything)


def no_connection() -> Any:
    raise AssertionError("the rules are held, not read")


@given(documents)
def test_a_rule_is_taken_and_works_or_is_refused(document: dict[str, Any]) -> None:
    try:
        body = msgspec.json.decode(json.dumps(document).encode("utf-8", "replace"), type=RuleBody)
        check(body, TOPICS)
    except (msgspec.DecodeError, ValidationException):
        return
    assert 0 <= body.error_rate <= 1
    assert 400 <= body.error_code <= 599
    assert 0 <= body.delay_ms <= 60_000
    assert (body.topic is None) == (body.endpoint_pattern is not None)

    rules = Rules(RuleTable, no_connection)
    rules.hold([Rule(**msgspec.structs.asdict(body), id=1)])
    if body.endpoint_pattern is None:
        assert (rules.topic(str(body.topic)) is not None) == body.enabled
        return
    pattern = body.endpoint_pattern
    assert not any(pattern == path or pattern.startswith(path + "/") for path in PROTECTED)
    assert (rules.endpoint(pattern, str(body.http_method)) is not None) == body.enabled
    renamed = re.sub(r"\{[^}]*\}", "{another}", pattern)
    assert rules.endpoint(renamed, str(body.http_method)) == rules.endpoint(
        pattern, str(body.http_method)
    )


@given(st.uuids(), st.integers(1, 2**63 - 1), st.floats(0, 1), st.floats(0, 1))
def test_whom_a_rate_takes_a_higher_rate_takes_too(
    event: UUID, rule_id: int, one: float, other: float
) -> None:
    def drawn(rate: float) -> bool:
        return is_drawn(Rule(id=rule_id, topic=TOPICS[0], error_rate=rate), event)

    low, high = sorted([one, other])
    assert drawn(high) or not drawn(low)
    assert drawn(1.0)
    assert not drawn(0.0)
