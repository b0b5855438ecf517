"""The comparison: what clients were told against what is there. Pure, so that it can be tested.

The topic decides what happened: each of its records must come from one request, and each request
that was accepted must have its record. A request of unknown outcome may be there or not, but then
everywhere alike. The topic may repeat itself, as long as each book's newest record is its last;
nothing else may.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec
from loadtest.chaos.evidence import Applied, Evidence, Record, State
from loadtest.chaos.ledger import Ledger, NewBook, Request

Kind = Literal["lost", "wrong", "order", "not drained"]


class Violation(msgspec.Struct, frozen=True):
    """A promise that was broken, and how.

    ``lost``: accepted, and not there. ``wrong``: there, and not what was asked for, or not
    everywhere the same. ``order``: applied, or first published, after something newer.
    ``not drained``: still under way when the time was up.
    """

    kind: Kind
    what: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """``repeats`` are records of the topic that had been there before: allowed."""

    violations: Sequence[Violation]
    repeats: int


def judge(ledger: Ledger, evidence: Evidence, given: Iterable[int]) -> Verdict:
    """Compare. ``given`` are the ids of books that were there before the first request."""
    events, repeats, found = _events(evidence.topic)
    violations = [
        *(Violation("not drained", line) for line in evidence.waiting),
        *(Violation("wrong", answer) for answer in ledger.wrong_answers),
        *found,
        *_sources(ledger, events, set(given)),
        *_tables(events, evidence),
        *_order_of_effects(evidence.applied),
        *_ends(events, evidence.topic),
    ]
    if evidence.dead_letters:
        violations.append(Violation("wrong", f"{evidence.dead_letters} dead letters"))
    if evidence.parked:
        violations.append(Violation("wrong", f"{evidence.parked} parked rows in the outbox"))
    return Verdict(violations=violations, repeats=repeats)


Events = Mapping[int, Mapping[int, Record]]
"""By book id and sequence, in the order in which they were first published."""


def _events(topic: Iterable[Record]) -> tuple[Events, int, list[Violation]]:
    """The events that the topic tells of, how many records repeat one, and what is wrong in it."""
    events: dict[int, dict[int, Record]] = defaultdict(dict)
    repeats = 0
    wrong: list[Violation] = []
    for record in topic:
        known = events[record.book_id].setdefault(record.state.sequence, record)
        if known is record:
            continue
        repeats += 1
        if known != record:
            what = f"book {record.book_id} has two events of sequence {record.state.sequence}"
            wrong.append(Violation("wrong", what))
    for book_id, of_book in events.items():
        if list(of_book) != sorted(of_book):
            what = f"book {book_id} was published in the order {list(of_book)}"
            wrong.append(Violation("order", what))
        if sorted(of_book) != list(range(1, len(of_book) + 1)):
            what = f"book {book_id} has the sequences {sorted(of_book)}: some are missing"
            wrong.append(Violation("lost", what))
    return events, repeats, wrong


def _ends(events: Events, topic: Iterable[Record]) -> Iterator[Violation]:
    """The last record of each book is its newest: compaction keeps the last one, and the read model
    is to be rebuilt from what it keeps."""
    last = {record.book_id: record.state.sequence for record in topic}
    for book_id, sequence in last.items():
        if sequence < (newest := max(events[book_id])):
            what = f"book {book_id}: its last record is of sequence {sequence}, its newest {newest}"
            yield Violation("order", what)


# -- requests and their records


def _sources(ledger: Ledger, events: Events, given: set[int]) -> Iterator[Violation]:
    """Each record comes from one request, and each accepted request has its record."""
    adds = {book.title: (book, request) for request in ledger.requests for book in request.books}
    changes = {request.title: request for request in ledger.requests if request.kind == "change"}
    removals = {request.book_id: request for request in ledger.requests if request.kind == "remove"}
    seen: dict[str, tuple[int, int]] = {}  # title of an add or a change -> book id, sequence
    removed: dict[int, int] = {}
    for book_id, of_book in events.items():
        state: State | None = None
        for sequence, record in sorted(of_book.items()):
            if record.kind == "added":
                yield from _check_add(record, adds, given)
            elif record.kind == "updated":
                yield from _check_change(record, state, changes)
            else:
                yield from _check_removal(record, state, removals)
                removed[book_id] = sequence
            if record.kind != "removed":
                if record.state.title in seen:
                    what = f"{record.state.title!r} had its effect twice"
                    yield Violation("wrong", what)
                seen[record.state.title] = (book_id, sequence)
            state = record.state
    yield from _missing(ledger, seen, removed)
    yield from _order_of_requests(ledger, seen, removed)


def _check_add(
    record: Record, adds: Mapping[str, tuple[NewBook, Request]], given: set[int]
) -> Iterator[Violation]:
    if record.book_id in given:
        return
    state = record.state
    book, request = adds.get(state.title, (None, None))
    if book is None or request is None or request.outcome == "refused":
        yield Violation("wrong", f"nobody added book {record.book_id}, {state.title!r}")
    elif (state.author, state.status, state.sequence) != (book.author, book.status, 1):
        yield Violation("wrong", f"{book} was added as {state}")


def _check_change(
    record: Record, before: State | None, changes: Mapping[str, Request]
) -> Iterator[Violation]:
    state = record.state
    request = changes.get(state.title)
    if request is None or request.outcome == "refused" or request.book_id != record.book_id:
        yield Violation("wrong", f"nobody changed book {record.book_id} to {state.title!r}")
    elif before is not None:
        status = before.status if request.status is None else request.status
        if before.removed or (state.author, state.status) != (before.author, status):
            yield Violation("wrong", f"book {record.book_id}: {before} was changed to {state}")


def _check_removal(
    record: Record, before: State | None, removals: Mapping[int, Request]
) -> Iterator[Violation]:
    request = removals.get(record.book_id)
    if request is None or request.outcome == "refused":
        yield Violation("wrong", f"nobody removed book {record.book_id}")
    elif before is not None:
        after = msgspec.structs.replace(before, removed=True, sequence=record.state.sequence)
        if before.removed or after != record.state:
            yield Violation("wrong", f"{before} was removed as {record.state}")


def _missing(
    ledger: Ledger, seen: Mapping[str, tuple[int, int]], removed: Mapping[int, int]
) -> Iterator[Violation]:
    for request in ledger.requests:
        if request.books:
            ids = tuple(seen[book.title][0] for book in request.books if book.title in seen)
            if request.outcome == "accepted" and ids != request.ids:
                what = f"{request.kind} was answered {request.ids}, of which the topic has {ids}"
                yield Violation("lost", what)
            if ids and len(ids) != len(request.books):
                what = f"of {len(request.books)} books added together, {len(ids)} are there"
                yield Violation("wrong", what)
        elif request.outcome != "accepted":
            continue
        elif request.kind == "change" and request.title not in seen:
            yield Violation("lost", f"the change of book {request.book_id} to {request.title!r}")
        elif request.kind == "remove" and request.book_id not in removed:
            yield Violation("lost", f"the removal of book {request.book_id}")


def _order_of_requests(
    ledger: Ledger, seen: Mapping[str, tuple[int, int]], removed: Mapping[int, int]
) -> Iterator[Violation]:
    """A request that began after another one was answered has the higher sequence."""
    of_book: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
    for request in ledger.accepted():
        if request.kind == "change" and request.title in seen:
            sequence = seen[request.title][1]
        elif request.kind == "remove" and request.book_id in removed:
            sequence = removed[request.book_id]
        else:
            continue
        of_book[request.book_id].append((request.began, request.ended, sequence))
    for book_id, requests in of_book.items():
        for began, _, sequence in requests:
            for _, ended, earlier in requests:
                if ended < began and earlier > sequence:
                    what = (
                        f"book {book_id}: sequence {earlier} was answered before {sequence} began"
                    )
                    yield Violation("order", what)


# -- tables


def _tables(events: Events, evidence: Evidence) -> Iterator[Violation]:
    """The books' table and the read model are what the newest records say."""
    newest = {book_id: of_book[max(of_book)].state for book_id, of_book in events.items()}
    there = {book_id: state for book_id, state in newest.items() if not state.removed}
    yield from _compare("the topic", there, "the books' table", evidence.books)
    yield from _compare("the topic", newest, "the read model", evidence.read_model)
    yield from _compare("the topic", there, "backend's API", evidence.api)


def _compare(
    left: str, first: Mapping[int, State], right: str, second: Mapping[int, State]
) -> Iterator[Violation]:
    for book_id in sorted(first.keys() | second.keys()):
        one, other = first.get(book_id), second.get(book_id)
        if one == other:
            continue
        kind: Kind = "lost" if one is None or other is None else "wrong"
        yield Violation(kind, f"book {book_id}: {left} has {one}, {right} {other}")


def _order_of_effects(applied: Iterable[Applied]) -> Iterator[Violation]:
    newest: dict[int, int] = {}
    for effect in applied:
        before = newest.get(effect.book_id, 0)
        if effect.sequence <= before:
            what = f"book {effect.book_id}: {effect.sequence} was applied after {before}"
            yield Violation("order" if effect.sequence < before else "wrong", what)
        newest[effect.book_id] = max(before, effect.sequence)


def longest_gap(times: Sequence[float], begin: float, end: float) -> float:
    """The longest time without an event that overlaps [begin, end]: how long all stood still.

    ``times`` are sorted. A gap counts as a whole, also where it reaches out of the interval.
    """
    gaps = [b - a for a, b in pairwise(times) if b > begin and a < end]
    return max(gaps, default=0.0)
