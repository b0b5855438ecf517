"""A campaign in numbers: for a terminal, and as JSON."""

from collections import Counter, defaultdict
from typing import Any

from loadtest.chaos.campaign import Result
from loadtest.chaos.verdict import longest_gap

_SHOWN = 20
"""Violations; the JSON has all of them."""


def numbers(result: Result) -> dict[str, Any]:
    """Everything that the report says. Stalls are in seconds: the longest time without an answer
    of 2xx, and without an effect in the read model, around any step of the kind."""
    ledger, verdict = result.ledger, result.verdict
    broken = Counter(violation.kind for violation in verdict.violations)
    return {
        "seed": result.seed,
        "seconds": round(result.ended - result.began, 1),
        "drained_in": round(result.drained_in, 1),
        "faults": Counter(fault.kind for done in result.steps for fault in done.step.faults),
        "steps": Counter(done.kind for done in result.steps),
        "requests": {
            "tries": ledger.tries,
            "without_an_answer": ledger.unanswered,
            "adds_tried_again": ledger.retried,
            "changes": Counter(f"{each.kind} {each.outcome}" for each in ledger.requests),
        },
        "effects": len(result.evidence.applied),
        "records": len(result.evidence.topic),
        "redelivered": verdict.repeats,
        "stalls": _stalls(result),
        "lost": broken["lost"],
        "wrong": broken["wrong"],
        "order": broken["order"],
        "not_drained": broken["not drained"],
        "violations": [f"{each.kind}: {each.what}" for each in verdict.violations],
    }


def text(result: Result) -> str:
    """The report for a terminal."""
    n = numbers(result)
    requests = n["requests"]
    lines = [
        f"seed {n['seed']}, {sum(n['faults'].values())} faults in {n['seconds']:.0f} s of load;"
        f" all had come through {n['drained_in']:.0f} s after its end",
        "",
        f"{'fault':20s}{'times':>6s}{'longest without':>18s}{'longest without':>18s}",
        f"{'':20s}{'':6s}{'an answer, s':>18s}{'an effect, s':>18s}",
    ]
    for kind, stall in sorted(n["stalls"].items()):
        times = n["steps"][kind]
        lines.append(f"{kind:20s}{times:6d}{stall['answer']:18.1f}{stall['effect']:18.1f}")
    lines += [
        "in all: " + ", ".join(f"{kind} {times}" for kind, times in sorted(n["faults"].items())),
        "",
        f"requests     {requests['tries']:,}, of which {requests['without_an_answer']:,} got no"
        f" answer or a 5xx; {requests['adds_tried_again']:,} adds were tried again",
        *(f"  {what:20s}{count:7,}" for what, count in sorted(requests["changes"].items())),
        f"records      {n['records']:,} on the topic, {n['redelivered']:,} of them repeats",
        f"effects      {n['effects']:,}",
        "",
        f"lost {n['lost']}, wrong {n['wrong']}, out of order {n['order']},"
        f" not drained {n['not_drained']}",
        *(f"  {violation}"[:300] for violation in n["violations"][:_SHOWN]),
    ]
    if len(n["violations"]) > _SHOWN:
        lines.append(f"  … and {len(n['violations']) - _SHOWN} more")
    return "\n".join(lines)


def _stalls(result: Result) -> dict[str, dict[str, float]]:
    answers = [result.began, *sorted(result.ledger.answered), result.ended]
    effects = sorted(effect.at for effect in result.evidence.applied)
    effects = [result.began, *(at for at in effects if at > result.began), result.ended]
    stalls: dict[str, dict[str, float]] = defaultdict(lambda: {"answer": 0.0, "effect": 0.0})
    for done in result.steps:
        longest = stalls[done.kind]
        for what, times in (("answer", answers), ("effect", effects)):
            gap = longest_gap(sorted(times), done.began, done.ended)
            longest[what] = round(max(longest[what], gap), 1)
    return dict(stalls)
