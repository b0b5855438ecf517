"""What a benchmark prints and writes: a table for people, JSON for programs, goals for both.

Variants that took turns are compared round by round, and the median of those ratios counts: the
machine's drift from one minute to the next is in both sides of each. Absolute figures are this
machine's; the ratios are the point.
"""

import math
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence

import msgspec
from loadtest.bench.results import Fact, Finding, Measurement, Share, Spans

RATIOS = (
    # case (its beginning), variant, compared with, at least
    ("GET /books/{id}", "ours", "FastAPI", 4.0),
    ("POST /books/add", "ours", "FastAPI", 2.0),
    ("GET /books (100)", "ours", "FastAPI", 1.3),
    ("consumer", "ours, one by one", "FastStream, one by one", 2.0),
    ("GET /books/{id}", "ours", "ours, untraced", 0.62),
    ("GET /books (100)", "ours", "ours, untraced", 0.62),
    ("POST /books/add", "ours", "ours, untraced", 0.62),
    ("POST /books/bulk_add", "ours", "ours, untraced", 0.62),
    ("consumer", "ours, take(128)", "ours, take(128), untraced", 0.55),
    # without a goal: what the stock wiring would leave of it, and the limit of what Python reads
    ("GET /books/{id}", "ours, stock wiring", "ours, untraced", None),
    ("GET /books (100)", "ours, stock wiring", "ours, untraced", None),
    ("POST /books/add", "ours, stock wiring", "ours, untraced", None),
    ("consumer", "ours, take(128)", "FastStream, batch=True", None),
    ("consumer", "ours, take(128)", "bare aiokafka, batches of 500", None),
    ("consumer", "ours, one by one", "ours, one by one, untraced", None),
)

PER_SECOND = (100, 1_000, 10_000)
"""Loads for which the replicas are told."""
BUSY = 0.6
"""Share of a core at which infra/kubernetes keeps a pod."""
PODS = {"bookapp": "bookapp", "backend": "backend", "worker 1": "backend"}
"""Whose CPU time the pods of a service are to have."""


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One number beside what it is to be."""

    what: str
    value: float
    by_cpu: float | None = None
    """The same ratio by CPU time of all processes: less noisy, where others use the machine too."""
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def reached(self) -> bool | None:
        """None where there is no goal."""
        if self.at_least is None and self.at_most is None:
            return None
        enough = self.at_least is None or self.value >= self.at_least
        return enough and (self.at_most is None or self.value <= self.at_most)


def medians(measurements: Iterable[Measurement]) -> list[Measurement]:
    """One measurement per case and variant: the round whose throughput is the median."""
    rounds: dict[tuple[str, str], list[Measurement]] = {}
    for measurement in measurements:
        rounds.setdefault((measurement.case, measurement.variant), []).append(measurement)
    return [
        sorted(several, key=lambda m: m.per_second)[(len(several) - 1) // 2]
        for several in rounds.values()
    ]


def goals(findings: Sequence[Finding]) -> list[Goal]:
    """The ratios of variants that were measured in the same rounds, and the facts."""
    measured = [f for f in findings if isinstance(f, Measurement)]
    by_name = {(m.case, m.variant, m.round): m for m in measured}
    found = []
    for beginning, variant, to, at_least in RATIOS:
        for case in dict.fromkeys(m.case for m in measured if m.case.startswith(beginning)):
            pairs = [
                (ours, by_name[case, to, number])
                for (name, who, number), ours in by_name.items()
                if (name, who) == (case, variant) and (case, to, number) in by_name
            ]
            if pairs:
                ratio = statistics.median(one.per_second / other.per_second for one, other in pairs)
                cpu = statistics.median(_cpu(other) / _cpu(one) for one, other in pairs)
                what = f"{case}: {variant} / {to}"
                found.append(Goal(what=what, value=ratio, by_cpu=cpu, at_least=at_least))
    facts: dict[str, list[Fact]] = {}
    for fact in findings:
        if isinstance(fact, Fact):
            facts.setdefault(fact.name, []).append(fact)
    for name, several in facts.items():
        first = several[0]
        value = statistics.median(fact.value for fact in several)
        limits = {"at_least": first.at_least, "at_most": first.at_most}
        found.append(Goal(what=name, value=value, unit=first.unit, **limits))
    return found


def _cpu(measured: Measurement) -> float:
    """Microseconds per unit that a user of the services would pay for."""
    return sum(us for name, us in measured.cpu_us.items() if name not in ("generator", "sink"))


def markdown(findings: Sequence[Finding], servers: str) -> str:
    """The tables of the docs."""
    measured = [f for f in findings if isinstance(f, Measurement)]
    rounds = 1 + max((m.round for m in measured), default=0)
    lines = [
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {servers};"
        f" {rounds} round(s), of which the medians are shown.",
        "",
        "### Goals",
        "",
        *_table(
            "what | is | by CPU | goal | reached",
            map(_goal_row, goals(findings)),
            numbers={1, 2, 3},
        ),
    ]
    for title, chosen in (("Requests", "requests"), ("Records", "records")):
        rows = [row for row in medians(measured) if row.unit == chosen]
        lines += ["", f"### {title}", ""]
        lines += _table(
            "case | variant | per second | p50 ms | p99 ms | CPU µs each | MB | errors",
            map(_row, rows),
            numbers={2, 3, 4, 7},
        )
    lines += ["", "### Replicas", ""]
    lines += _table(
        "a second | of | bookapp pods | backend pods | cores of PostgreSQL",
        replicas(measured),
        numbers={0, 2, 3, 4},
    )
    found = [f for f in findings if isinstance(f, Share)]
    for case in dict.fromkeys(share.case for share in found):
        lines += ["", f"### Where bookapp's time goes: {case}", ""]
        lines += _parts([share for share in found if share.case == case])
    spans = [f for f in findings if isinstance(f, Spans)]
    lines += ["", "### Spans received", ""]
    lines += _table("variant | span | expected | received", map(_span_row, _summed(spans)), {2, 3})
    return "\n".join(lines) + "\n"


def replicas(measured: Iterable[Measurement]) -> list[str]:
    """How many pods each load takes, at ``BUSY`` of a core each, by the CPU time of its unit with
    telemetry: where one worker was measured with the most connections."""
    rows = {
        row.case.partition(", 1 worker(s)")[0]: row
        for row in medians(measured)
        if row.variant in ("ours", "ours, take(128)") and ", 1 worker(s)" in row.case
    }
    found = []
    for case, row in rows.items():
        for load in PER_SECOND:
            pods = dict.fromkeys(PODS.values(), 0)
            for program, us in row.cpu_us.items():
                if program in PODS:
                    pods[PODS[program]] += math.ceil(load * us / 1e6 / BUSY)
            cores = load * row.cpu_us.get("PostgreSQL", 0.0) / 1e6
            shown = " | ".join(str(number or "") for number in pods.values())
            found.append(f"{load:,} | {case} | {shown} | {cores:.1f}")
    return found


def _table(head: str, rows: Iterable[str], numbers: set[int]) -> list[str]:
    columns = range(head.count("|") + 1)
    rule = "|".join("---:" if n in numbers else "---" for n in columns)
    return [f"| {head} |", f"|{rule}|", *(f"| {row} |" for row in rows)]


def _parts(found: Sequence[Share]) -> list[str]:
    """One row a part, one column a variant, and the sums."""
    variants = list(dict.fromkeys(share.variant for share in found))
    us = {(share.part, share.variant): share.cpu_us for share in found}
    parts = sorted(
        {share.part for share in found}, key=lambda part: -us.get((part, variants[-1]), 0.0)
    )
    rows = [(part, [us.get((part, variant), 0.0) for variant in variants]) for part in parts]
    rows.append(("all", [sum(column) for column in zip(*(each for _, each in rows), strict=True)]))
    return _table(
        " | ".join(["CPU µs a request", *variants]),
        (" | ".join([part, *(f"{value:,.0f}" for value in each)]) for part, each in rows),
        numbers=set(range(1, 1 + len(variants))),
    )


def _goal_row(goal: Goal) -> str:
    wanted = " and ".join(
        f"{sign} {limit:g}"
        for sign, limit in (("≥", goal.at_least), ("≤", goal.at_most))
        if limit is not None
    )
    reached = {None: "", True: "yes", False: "**no**"}[goal.reached]
    shown = f"{goal.value:,.0f}" if goal.value >= 100 else f"{goal.value:.2f}"
    cpu = "" if goal.by_cpu is None else f"{goal.by_cpu:.2f}"
    return f"{goal.what} | {shown} {goal.unit} | {cpu} | {wanted} | {reached}"


def _row(row: Measurement) -> str:
    shown: Callable[[dict[str, float]], str] = lambda values: ", ".join(  # noqa: E731 - twice, here
        f"{name} {value:,.0f}" for name, value in values.items() if value >= 0.5
    )
    return (
        f"{row.case} | {row.variant} | {row.per_second:,.0f} | {_ms(row.p50_ms)} |"
        f" {_ms(row.p99_ms)} | {shown(row.cpu_us)} | {shown(row.memory_mb)} | {row.errors}"
    )


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _summed(spans: Iterable[Spans]) -> list[Spans]:
    """Over all rounds."""
    sums: dict[tuple[str, str], Spans] = {}
    for one in spans:
        known = sums.get((one.variant, one.span))
        if known is not None:
            one = msgspec.structs.replace(
                one,
                expected=one.expected + known.expected,
                received=one.received + known.received,
            )
        sums[one.variant, one.span] = one
    return list(sums.values())


def _span_row(one: Spans) -> str:
    return f"{one.variant} | {one.span} | {one.expected:,} | {one.received:,}"
