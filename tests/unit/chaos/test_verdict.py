"""The judge of the fault campaign finds what is wrong, and nothing else."""

from collections.abc import Callable

import pytest
from loadtest.chaos.evidence import Applied, Evidence, Record, State
from loadtest.chaos.ledger import Ledger, NewBook, Request
from loadtest.chaos.verdict import Verdict, judge, longest_gap

DUNE = NewBook("Dune", "Frank Herbert", "available")
EMMA = NewBook("Emma", "Jane Austen", "lost")
KINDS = {1: "added", 2: "updated", 3: "removed"}


def a_ledger() -> Ledger:
    """Dune is added, renamed and removed; Emma is added."""
    ledger = Ledger()
    for number, request in enumerate(
        [
            Request(kind="add", books=(DUNE,), ids=(7,)),
            Request(kind="change", book_id=7, title="Dune 2", status="borrowed"),
            Request(kind="remove", book_id=7),
            Request(kind="add", books=(EMMA,), ids=(8,)),
        ]
    ):
        ledger.open(request)
        request.outcome = "accepted"
        request.began, request.ended = number, number + 0.5
    return ledger


def record(book_id: int, sequence: int, state: State | None = None, event: str = "") -> Record:
    if state is None:
        of_dune = {
            1: State("Dune", "Frank Herbert", "available", 1),
            2: State("Dune 2", "Frank Herbert", "borrowed", 2),
            3: State("Dune 2", "Frank Herbert", "borrowed", 3, True),
        }
        state = of_dune[sequence] if book_id == 7 else State("Emma", "Jane Austen", "lost", 1)
    return Record(book_id, KINDS[sequence], event or f"{book_id} {sequence}", state)


TOPIC = [record(7, 1), record(8, 1), record(7, 2), record(7, 3)]
GOOD = Evidence(
    books={8: record(8, 1).state},
    topic=TOPIC,
    read_model={7: record(7, 3).state, 8: record(8, 1).state},
    api={8: record(8, 1).state},
    applied=[Applied(7, 1, 0.0), Applied(7, 3, 0.0), Applied(8, 1, 0.0)],
    dead_letters=0,
    parked=0,
)


def with_(**changes: object) -> Evidence:
    return Evidence(**({name: getattr(GOOD, name) for name in GOOD.__struct_fields__} | changes))


def kinds(verdict: Verdict) -> set[str]:
    return {violation.kind for violation in verdict.violations}


def test_what_was_promised_and_is_there_is_no_violation() -> None:
    verdict = judge(a_ledger(), GOOD, [])
    assert (list(verdict.violations), verdict.repeats) == ([], 0)


def test_the_topic_may_repeat_itself() -> None:
    again = [record(7, 2), record(8, 1), record(7, 3)]
    verdict = judge(a_ledger(), with_(topic=[*TOPIC, *again]), [])
    assert (list(verdict.violations), verdict.repeats) == ([], 3)


def test_an_old_record_at_the_end_is_what_compaction_would_keep() -> None:
    verdict = judge(a_ledger(), with_(topic=[*TOPIC, record(7, 2)]), [])
    assert [violation.kind for violation in verdict.violations] == ["order"]


def without_dunes_removal(evidence: Evidence) -> Evidence:
    del evidence
    changed = record(7, 2).state
    return with_(
        topic=TOPIC[:3],
        books={**GOOD.books, 7: changed},
        read_model={**GOOD.read_model, 7: changed},
        api={**GOOD.api, 7: changed},
        applied=[Applied(7, 2, 0.0), Applied(8, 1, 0.0)],
    )


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (without_dunes_removal, "lost"),
        (lambda _: with_(topic=TOPIC[1:]), "lost"),
        (lambda _: with_(read_model={8: record(8, 1).state}), "lost"),
        (lambda _: with_(api={}), "lost"),
        (lambda _: with_(books={}), "lost"),
        (lambda _: with_(books={**GOOD.books, 7: record(7, 2).state}), "lost"),
        (lambda _: with_(read_model={**GOOD.read_model, 7: record(7, 2).state}), "wrong"),
        (lambda _: with_(topic=[*TOPIC, record(7, 2, event="another")]), "wrong"),
        (lambda _: with_(topic=[*TOPIC, record(9, 1, State("?", "?", "lost", 1))]), "wrong"),
        (lambda _: with_(dead_letters=1), "wrong"),
        (lambda _: with_(parked=1), "wrong"),
        (lambda _: with_(applied=[*GOOD.applied, Applied(8, 1, 0.0)]), "wrong"),
        (lambda _: with_(applied=[*GOOD.applied, Applied(7, 2, 0.0)]), "order"),
        (lambda _: with_(topic=[TOPIC[0], TOPIC[1], TOPIC[3], TOPIC[2]]), "order"),
        (lambda _: with_(waiting=["3 rows in the outbox"]), "not drained"),
    ],
)
def test_each_broken_promise_is_found(wrong: Callable[[Evidence], Evidence], kind: str) -> None:
    assert kind in kinds(judge(a_ledger(), wrong(GOOD), []))


def test_an_effect_of_a_request_that_was_refused_is_wrong() -> None:
    ledger = a_ledger()
    ledger.requests[1].outcome = "refused"
    assert kinds(judge(ledger, GOOD, [])) == {"wrong"}


def test_a_request_without_an_answer_may_have_its_effect_or_not() -> None:
    ledger = a_ledger()
    ledger.requests[2].outcome = "unknown"
    assert not judge(ledger, GOOD, []).violations
    assert not judge(ledger, without_dunes_removal(GOOD), []).violations


def test_books_added_together_are_there_together() -> None:
    ledger = Ledger()
    ledger.open(Request(kind="bulk_add", books=(DUNE, EMMA)))
    one = record(7, 1)
    there = {7: one.state}
    evidence = with_(topic=[one], books=there, read_model=there, api=there, applied=[])
    assert kinds(judge(ledger, evidence, [])) == {"wrong"}


def test_a_change_that_began_after_another_was_answered_comes_after_it() -> None:
    ledger = a_ledger()
    ledger.requests[1].began, ledger.requests[1].ended = 10.0, 11.0  # sequence 2, after 3
    assert kinds(judge(ledger, GOOD, [])) == {"order"}


def test_a_wrong_answer_is_a_violation() -> None:
    ledger = a_ledger()
    ledger.wrong_answers.append("GET /books/7: 404")
    assert kinds(judge(ledger, GOOD, [])) == {"wrong"}


def test_the_longest_gap_counts_as_a_whole_where_it_overlaps() -> None:
    times = [0.0, 1.0, 5.0, 6.0, 16.0]
    assert longest_gap(times, 2.0, 3.0) == 4.0
    assert longest_gap(times, 2.0, 7.0) == 10.0
    assert longest_gap(times, 0.2, 0.4) == 1.0
    assert longest_gap(times, 20.0, 30.0) == 0.0
